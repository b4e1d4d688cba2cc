"""Tables of queries or students, one row of which is open: found by words, chosen by click, walked by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import streamlit as st
from streamlit.column_config import NumberColumn

from workbench.ui.shell import components

PAGE = 200  # rows of a table that go to the browser at once


class QueryRow(Protocol):
    """A row about one query."""

    @property
    def query_id(self) -> str:
        """Return the query's id."""

    @property
    def text(self) -> str:
        """Return the query's text."""


QueryRowT = TypeVar("QueryRowT", bound=QueryRow)


def search(key: str) -> str:
    """Let a person type words to look for; return them in small letters."""
    words = st.text_input(
        "Search", key=key, placeholder="Words or id of a query", label_visibility="collapsed", icon=":material/search:",
        bind="query-params",
    )  # fmt: skip
    return (words or "").strip().casefold()


def matching(rows: Iterable[QueryRowT], words: str) -> list[QueryRowT]:
    """Return the rows of queries whose text or id holds `words`; says so if none of them does."""
    matches = [row for row in rows if words in f"{row.text} {row.query_id}".casefold()]
    if words and not matches:
        components.remark("No query has these words.")
    return matches


def select_row(
    ids: Sequence[str], cells: Callable[[int], dict[str, object]], key: str, version: str, **columns: Any
) -> str | None:
    """Show a table, let a person choose a row, and return the id it stands for, kept in the link as `?key=`.

    Of many rows only the PAGE around the chosen one go to the browser; `cells` gives those of a position. Selected rows
    are positions, and positions outlive the data they were chosen from: they become an id in the run that showed them,
    and a new table (another `version`) starts without any.
    """
    if not ids:
        return None
    wanted = st.query_params.get(key, "")
    position = ids.index(wanted) if wanted in ids else 0
    start = position // PAGE * PAGE
    shown, name = tuple(ids[start : start + PAGE]), f"table-{key}-{version}-{start}"
    if _selected(name) != [position - start]:
        st.session_state[name] = {"selection": {"rows": [position - start], "columns": [], "cells": []}}
    st.dataframe(
        [cells(at) for at in range(start, start + len(shown))],
        hide_index=True,
        key=name,
        height=min(38 + 35 * len(shown), 318),
        on_select=_on_select(key, name, shown),
        selection_mode="single-row-required",
        column_config=columns or None,
        placeholder=components.NOTHING,
        alt="Selecting a row opens it below",
    )
    if len(ids) > PAGE:
        _pages(ids, start, key)
    return ids[position]


def _pages(ids: Sequence[str], start: int, key: str) -> None:
    """Offer the rows before and after those that are shown."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, first in ((f"Previous {PAGE:,}", start - PAGE), (f"Next {PAGE:,}", start + PAGE)):
            inside = 0 <= first < len(ids)
            st.button(
                label, key=f"page-{key}-{label}", disabled=not inside, on_click=_open,
                args=(key, ids[first] if inside else ids[start]),
            )  # fmt: skip
        components.remark(f"Rows {start + 1:,} to {min(start + PAGE, len(ids)):,} of {len(ids):,}")


def steps(ids: Sequence[str], chosen: str, key: str) -> None:
    """Offer the previous and the next row, by button and by arrow key."""
    position = ids.index(chosen)
    before = ids[position - 1] if position else None
    after = ids[position + 1] if position + 1 < len(ids) else None
    neighbours(key, before, after, f"{position + 1:,} of {len(ids):,}", lambda row_id: _open(key, row_id))


def neighbours(key: str, before: str | None, after: str | None, place: str, opens: Callable[[str], None]) -> None:
    """Offer what comes before and after, by button and by arrow key; `place` says where one is."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, shift, target in (("Previous", -1, before), ("Next", 1, after)):
            st.button(
                label, key=f"step-{key}-{shift}", shortcut="Left" if shift < 0 else "Right", disabled=target is None,
                on_click=opens, args=(target,),
            )  # fmt: skip
        components.remark(place)


def unknown(ids: Sequence[str], key: str, noun: str) -> None:
    """Warn if the link names a row that is not among `ids`."""
    wanted = st.query_params.get(key, "")
    if wanted and wanted not in ids:
        components.stale(f"The link names the {noun} “{wanted}”, which is not in this list. Showing the first one.")


def counts(*names: str) -> dict[str, Any]:
    """Return columns of counts, with thousands separators."""
    return {name: NumberColumn(format="localized") for name in names}


def _on_select(key: str, name: str, ids: tuple[str, ...]) -> Callable[[], None]:
    def open_selected() -> None:
        rows = _selected(name)
        if rows and rows[0] < len(ids):
            _open(key, ids[rows[0]])

    return open_selected


def _selected(name: str) -> list[int]:
    state = st.session_state.get(name) or {}
    return list(state.get("selection", {}).get("rows", []))


def _open(key: str, row_id: str) -> None:
    st.query_params[key] = row_id
