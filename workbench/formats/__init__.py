"""Other people's files and how they become rows: readers and writers."""

from __future__ import annotations

from workbench.formats.beir import read_beir, write_beir
from workbench.formats.parsing.gathering import Collection, Problem, Ranking, Rankings
from workbench.formats.table import read_table
from workbench.formats.trec import read_qrels, read_run, write_qrels, write_run

__all__ = [
    "Collection",
    "Problem",
    "Ranking",
    "Rankings",
    "read_beir",
    "read_qrels",
    "read_run",
    "read_table",
    "write_beir",
    "write_qrels",
    "write_run",
]
