"""The whole walk on a collection: seconds a step, and what came of it on test.

python -m tests.benchmarks.walk [BEIR_FOLDER] [STUDENT ...]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import workbench as wb
from tests.benchmarks.machine import description

Result = TypeVar("Result")
BASE = "static:all-MiniLM-L6-v2"


def timed(name: str, work: Callable[[], Result]) -> Result:
    """Do the work, print its seconds, and return what it returned."""
    started = time.perf_counter()
    result = work()
    print(f"{name:<28}{time.perf_counter() - started:8.1f} s", flush=True)
    return result


def main(folder: Path, references: list[str]) -> None:
    """Walk `folder` in a workspace of its own and print the figures."""
    print(description())
    with tempfile.TemporaryDirectory() as place:
        store = wb.Store(place, create=True)
        timed("ingest", lambda: wb.ingest(store, "beir", folder))
        timed("ingest again", lambda: wb.ingest(store, "beir", folder))
        timed("candidates", lambda: wb.candidates(store, BASE))
        scored = timed("score, lexical", lambda: wb.score(store, wb.teacher("lexical")))
        result = timed("train", lambda: wb.train(store, wb.plan(store, BASE, scored.teacher, wb.TrainSettings())))
        print(f"  {result.in_words}")
        for student in ("bm25", *references, BASE, result.student):
            evaluation = timed(f"evaluate {student[:18]}", partial(wb.evaluate, store, student))
            timed("  again, vectors cached", partial(wb.evaluate, store, student))
            print("  " + "  ".join(f"{name} {evaluation.measures[name]}" for name in ("R@1", "AP", "nDCG@10")))
        for measure in ("R@1", "AP", "nDCG@10"):
            print(timed("diff", partial(wb.diff, store, BASE, result.student, measure)).in_words)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else wb.SAMPLE, sys.argv[2:])
