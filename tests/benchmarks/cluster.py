"""Scoring by Ray on this machine, against this process: pairs a second, and peak memory of the process that stores.

    python -m tests.benchmarks.cluster PAIRS WORKERS [MODEL]

`WORKERS` is 0 for the local engine. The teacher is the lexical one; with a model's folder the likelihood one; with
"wait" in its place one that waits 50 ms a query, which shows what the engine adds where cores are busy.

The workspace is that of `tests.benchmarks.score`; making it is not counted, starting Ray and its workers is.
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
from tests.engines.teachers import Odd, OddSettings

WAIT = "wait"


def measure(workspace: Path, workers: int, model: str) -> str:
    """Score all pairs, and return what it took in words."""
    teacher = wb.teacher("lexical")
    if model == WAIT:
        teacher = Odd(OddSettings(log=str(workspace / "asked"), pause=0.05))
    elif model:
        teacher = wb.teacher("likelihood", model=model, dtype="float32")
    engine = wb.engine("ray", workers=workers, rows=200 if model else 2048) if workers else wb.engine("local")
    first: list[float] = []

    def listen(at: wb.Progress) -> None:
        if at.done and not first:
            first.append(time.perf_counter() - started)

    started = time.perf_counter()
    result = wb.score(wb.Store(workspace), teacher, listen=listen, engine=engine)
    took = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    after_first = (result.pairs - engine.settings.rows) / (took - first[0]) if workers else result.pairs / took
    return (
        f"{workers or 'no'} workers: {result.pairs:,} pairs in {took:.1f} s, the first shard after {first[0]:.1f} s, "
        f"{after_first:,.0f} pairs a second from then on; peak memory of the process that stores {peak:,.0f} MB"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        folder = make(Path(place), int(sys.argv[1]))
        print(description())
        print(measure(folder, int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
