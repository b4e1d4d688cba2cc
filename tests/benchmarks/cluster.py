"""Scoring by Ray on this machine, against this process: pairs a second, and peak memory of the process that stores.

    python -m tests.benchmarks.cluster PAIRS WORKERS [MODEL]

`WORKERS` is 0 for the local engine. The teacher is the lexical one, or, with a model's folder, the likelihood one. The
workspace is that of `tests.benchmarks.score`; making it is not counted, starting Ray and its workers is.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import workbench as wb
from tests.benchmarks.machine import description
from tests.benchmarks.score import make


def measure(workspace: Path, workers: int, model: str) -> str:
    """Score all pairs, and return what it took in words."""
    settings = {"model": model, "dtype": "float32"} if model else {}
    engine = wb.engine("ray", workers=workers, rows=200 if model else 2048) if workers else wb.engine("local")
    first: list[float] = []

    def listen(at: wb.Progress) -> None:
        if at.done and not first:
            first.append(time.perf_counter() - started)

    started = time.perf_counter()
    result = wb.score(
        wb.Store(workspace), wb.teacher("likelihood" if model else "lexical", **settings), listen=listen, engine=engine
    )
    took = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{workers or 'no'} workers: {result.pairs:,} pairs in {took:.1f} s, the first shard after {first[0]:.1f} s, "
        f"{result.pairs / took:,.0f} pairs a second; peak memory of the process that stores {peak:,.0f} MB"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        folder = make(Path(place), int(sys.argv[1]))
        print(description())
        print(measure(folder, int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
