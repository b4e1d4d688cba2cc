"""Giving the queries splits, as `workbench split` does: by what, in which shares, and which stay as they are."""

from __future__ import annotations

import streamlit as st

from workbench.commands import command
from workbench.errors import WorkbenchError
from workbench.formats.allowed_folders import allowed_folders, allowed_path
from workbench.records import SPLITS
from workbench.steps.data.splits.split import SHARES
from workbench.store import Store
from workbench.ui.shell import cache, commands, components

BY = {
    "passages": "shared passages: nothing that is tested was seen in training",
    "query": "query: each by itself",
    "tag": "tag: a topic is on one side",
    "table": "a column of a table with query_id",
}


def form(store: Store) -> list[str] | None:
    """Ask how to split; return the arguments of the program if a person starts it."""
    with st.container(border=True):
        by, options = _by(store), _shares_and_seed()
        present = [split.split for split in cache.counts(store).splits if split.split in SPLITS]
        options["keep"] = st.multiselect(
            "Leave as it is", present, key="split-keep", placeholder="none",
            help="The queries of these splits stay there; their share falls to the others.",
        )  # fmt: skip
        arguments = command("split", by=by[0], column=by[1], **options) if by else []
        if arguments:
            commands.show(store, arguments)
        components.remark("Utilities, annotations and rankings stay; students trained before are named in comparisons.")
        if st.button("Split", key="split-start", type="primary", icon=":material/call_split:", disabled=not arguments):
            return arguments
    return None


def _by(store: Store) -> tuple[str, str] | None:
    """Ask what is not to be divided; return it with a column of a table, None while that is not known."""
    choices = [name for name in BY if name != "tag" or cache.tags(store)]
    chosen = st.selectbox("Split by", choices, format_func=BY.__getitem__, key="split-by")
    if chosen != "table":
        return chosen, ""
    left, right = components.columns("two-table", [2, 1])
    text = left.text_input("Table on the server", key="split-table", placeholder="topics.csv")
    column = right.text_input("Column", key="split-column", placeholder="topic, or split")
    if not (text or "").strip():
        return None
    try:
        return str(allowed_path(str(text), allowed_folders(store.path))), (column or "").strip()
    except WorkbenchError as error:
        components.failed(error.problem, error.hint)
        return None


def _shares_and_seed() -> dict[str, object]:
    areas = components.columns("four-shares", [1, 1, 1, 1])
    shares = [
        area.number_input(f"{name}, %", 0, 100, round(100 * share), key=f"share-{name}")
        for area, name, share in zip(areas[:3], SPLITS, SHARES, strict=True)
    ]
    seed = areas[3].number_input("Seed", 0, 999_999, 13, key="split-seed", help="Another seed gives other splits.")
    return {"shares": ",".join(map(str, shares)), "seed": seed}
