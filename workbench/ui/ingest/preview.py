"""What an ingest would write: counts, first rows, and every problem with its line, before anything is written."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import streamlit as st

from workbench.formats import Problem
from workbench.formats.parsing.beginning import MOST, beginning
from workbench.steps.data.preview import preview
from workbench.steps.data.readers import IngestSettings
from workbench.store import ALL_BUT_ANNOTATIONS, Store
from workbench.ui.shell import components
from workbench.ui.shell.tables import counts

FIRST_ROWS = 5
SHOWN_CHARACTERS = 300  # of a cell; the others are of no help in telling whether the file was understood
SHOWN_PROBLEMS = 200
LARGE = 200_000_000  # bytes above which a preview reads no more than the beginning, as it is in the server's memory

PASSAGE = ("passage_id", "title", "text")  # what files say of it

Rows = list[dict[str, object]]


@dataclass(frozen=True)
class PreviewSummary:
    """What a page shows of a preview; the rows themselves are let go."""

    in_words: str
    counts: dict[str, int]
    queries: Rows
    passages: Rows
    problems: list[Problem]
    problem_count: int


def show(store: Store, kind: str, path: Path, settings: IngestSettings) -> PreviewSummary:
    """Show what the files hold, of large ones what their beginning holds. Raises what reading them raises."""
    size, newest = _size(path)
    if size > LARGE:
        components.remark(
            f"Of files of {size / 1e6:,.0f} MB the preview reads the first {MOST >> 20} MB. The ingest reads all, in a "
            "process of its own, and writes nothing if there is a line that it cannot read."
        )
    with st.spinner("Reading …"):
        revision = store.changes().last(ALL_BUT_ANNOTATIONS)
        version = (size, newest, revision, json.dumps(vars(settings), sort_keys=True))
        summary = _summary(str(store.path), kind, str(path), version, settings)
    components.numbers(
        *(components.Number(name.capitalize(), f"{count:,}") for name, count in summary.counts.items()),
        components.Number("Problems", f"{summary.problem_count:,}", "lines that cannot be read"),
    )
    components.remark(summary.in_words)
    if summary.problems:
        _problems(summary.problems, summary.problem_count)
    for title, rows in (("First queries", summary.queries), ("First passages", summary.passages)):
        if rows:
            st.caption(title)
            components.table(rows, f"preview-{title}", title)
    return summary


def _problems(problems: Sequence[Problem], count: int) -> None:
    st.caption(f"Problems by line{f', the first {len(problems):,} of {count:,}' if count > len(problems) else ''}")
    rows = [{"file": Path(one.file).name, "line": one.line or None, "what": one.what} for one in problems]
    components.table(rows, "preview-problems", "Lines that cannot be read", **counts("line"))


@st.cache_data(max_entries=20, ttl="1h", show_spinner=False)
def _summary(
    workspace: str, kind: str, path: str, version: tuple[object, ...], _settings: IngestSettings
) -> PreviewSummary:
    if int(str(version[0])) > LARGE:
        with beginning(Path(path)) as head:
            previewed = replace(
                preview(kind, head, _settings, store=Store(workspace)), source=f"the beginning of {path}"
            )
    else:
        previewed = preview(kind, path, _settings, store=Store(workspace))
    collection = previewed.collection
    return PreviewSummary(
        previewed.in_words,
        previewed.counts,
        [_cells(row._asdict()) for row in collection.queries[:FIRST_ROWS]],
        [_cells({name: getattr(row, name) for name in PASSAGE}) for row in collection.passages[:FIRST_ROWS]],
        list(previewed.problems[:SHOWN_PROBLEMS]),
        len(previewed.problems),
    )


def _cells(row: dict[str, Any]) -> dict[str, object]:
    texts = {
        name: "; ".join(map(str, value)) if isinstance(value, tuple) else str(value) for name, value in row.items()
    }
    return {
        name: text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…" for name, text in texts.items()
    }


def _size(path: Path) -> tuple[int, int]:
    """Return the bytes of a file or of all files of a folder, and when the newest was written."""
    stats = [file.stat() for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file()]
    return sum(stat.st_size for stat in stats), max((stat.st_mtime_ns for stat in stats), default=0)
