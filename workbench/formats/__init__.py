"""Other people's files and how they become rows: readers, writers, and a table of readers."""

from __future__ import annotations

from collections.abc import Callable

from workbench.formats.beir import read_beir, write_beir
from workbench.formats.collection import Collection, Problem, Ranking
from workbench.formats.table import read_table
from workbench.formats.trec import read_qrels, read_run, write_qrels, write_run

READERS: dict[str, Callable[..., Collection]] = {"beir": read_beir, "table": read_table, "qrels": read_qrels}

__all__ = [
    "READERS",
    "Collection",
    "Problem",
    "Ranking",
    "read_beir",
    "read_qrels",
    "read_run",
    "read_table",
    "write_beir",
    "write_qrels",
    "write_run",
]
