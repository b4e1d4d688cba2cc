"""Hard cases of any number, of which some are in memory at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.records import Run
from workbench.store.database.connection import SPILL
from workbench.store.views.hard_case_rules import Thresholds
from workbench.store.views.hard_cases import ALL_CASES, HardCase, Part, as_case, cases_statement, numbered_cases

if TYPE_CHECKING:
    from workbench.store.store import Store

CASES_AT_ONCE = 5_000


def stream_hard_cases(
    store: Store,
    teacher: str | None,
    after: Run,
    before: Run | None = None,
    thresholds: Thresholds | None = None,
    part: Part = ALL_CASES,
) -> Iterator[HardCase]:
    """Yield the `hard_cases` of a run in their order.

    They go to a file first, in the workspace if it can be written to, so that the database is closed meanwhile. What a
    killed process leaves of it is removed with what queries have left.
    """
    from pyarrow.parquet import ParquetFile

    place = store.path if os.access(store.path, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=SPILL, dir=place) as folder:
        file = str(Path(folder) / "cases.parquet")
        with numbered_cases(store, (teacher, after, before), thresholds, part.queries) as (connection, cases):
            literal = "'" + file.replace("'", "''") + "'"  # DuckDB binds no value in the place of a file's name
            connection.execute(
                f"copy ({cases_statement(cases)}) to {literal} (format parquet)",
                {"rule": part.rule, "limit": part.limit},
            )
        with ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(CASES_AT_ONCE):
                yield from (as_case(*row.values()) for row in batch.to_pylist())
