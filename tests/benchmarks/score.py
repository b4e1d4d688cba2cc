"""The lexical teacher on a made-up workspace: seconds on the clock and of the processor, and peak memory, to score it.

    python -m tests.benchmarks.score [PAIRS]

100,000 pairs unless given, 20 candidates a query, a passage for every five pairs, of about 120 words in Zipf's
proportions, and two answers a query. Making the workspace is not counted; scoring is in a process of its own.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.machine import description
from workbench.records import Candidate, Passage, Query
from workbench.store import Store

CANDIDATES = 20  # of a query
SHARING = 5  # candidates that a passage is, on average
WORDS = 30_000
SCORE = """
import resource, sys, time
started, busy = time.perf_counter(), time.process_time()
import workbench as wb
result = wb.score(wb.Store(sys.argv[1]), wb.teacher("lexical"))
print(f"{result.pairs:,} pairs in {time.perf_counter() - started:.1f} s, {time.process_time() - busy:.1f} s of the "
      f"processor; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f} GB")
"""


def make(folder: Path, pairs: int) -> Path:
    """Write the workspace, and return its folder."""
    chance = random.Random(0)
    words = [f"w{number}" for number in range(WORDS)]
    weights = [1 / (number + 1) for number in range(WORDS)]
    passages = [
        Passage(f"p{number}", "A title", " ".join(chance.choices(words, weights, k=chance.randint(60, 180))))
        for number in range(pairs // SHARING)
    ]
    queries, candidates = [], []
    for number in range(pairs // CANDIDATES):
        relevant, *others = chance.sample(passages, CANDIDATES)
        text = relevant.text.split()
        answers = (" ".join(text[5:8]), " ".join(text[5:10]))
        queries.append(Query(f"q{number}", f"What is said of {text[4]}?", answers, "train"))
        candidates += [Candidate(f"q{number}", passage.passage_id, "bm25") for passage in (relevant, *others)]
    store = Store(folder / "workspace", create=True)
    store.add_collection(queries, passages, [])
    store.add_candidates(candidates)
    return folder / "workspace"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        workspace = make(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
        print(description())
        print(subprocess.run([sys.executable, "-c", SCORE, str(workspace)], check=True, capture_output=True,
                             text=True).stdout, end="")  # fmt: skip
