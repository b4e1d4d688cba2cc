"""What each index costs and finds: seconds to build, milliseconds a query, recall@10, bytes on disk, peak memory.

Times are those of the processor: with one thread, what an idle machine's clock would show but for reading from disk.

    python -m tests.benchmarks.index FOLDER --passages 100000 [--queries 1000] [--kinds flat,place,int8,hnsw,ivfpq]

Vectors are made once in FOLDER, in the files of a workspace's cache: 384 numbers each, random in 48 dimensions and a
little in all of them, as embeddings of texts are. `place` ranks 20 given passages a query by comparing all. Each kind
is a process of its own, so that its peak is its own; the files' pages in the system's cache are in nobody's.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from tests.benchmarks.machine import description
from workbench import machine
from workbench.retrieval.index.approximate import ApproximateIndex
from workbench.retrieval.index.exact import Index
from workbench.retrieval.vector_cache import VectorCache, key

WIDTH, DIMENSIONS, ROWS, DEPTH = 384, 48, 10_000, 100
KINDS = ("flat", "place", "int8", "hnsw", "ivfpq")
Value = TypeVar("Value")


def vectors(seed: int, count: int) -> np.ndarray:
    """Return random unit vectors (count, 384) that are mostly in 48 dimensions, the same ones for all seeds."""
    axes = np.random.default_rng(0).standard_normal((DIMENSIONS, WIDTH), np.float32)
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((count, DIMENSIONS), np.float32) @ axes
    rows += draw.standard_normal((count, WIDTH), np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)  # type: ignore[no-any-return]


def build(folder: Path, passages: int) -> None:
    """Write vectors into a cache, unless they are there."""
    cache = VectorCache(folder)
    for start in range(0, passages, ROWS):
        keys = [key("passage", str(number)) for number in range(start, min(start + ROWS, passages))]
        if len(cache.missing(keys)):
            cache.add(keys, vectors(1 + start, len(keys)))


def measure(folder: Path, passages: int, queries: int, kind: str) -> str:
    """Search by one kind of index in this process, and return a row of the table."""
    cache, keys = VectorCache(folder), [key("passage", str(number)) for number in range(passages)]
    cache.missing(keys)
    index, asked = Index(cache.stored(keys), [str(number) for number in range(passages)]), vectors(7, queries)
    built, recall, size = 0.0, 1.0, passages * WIDTH * 4
    if kind in ("int8", "hnsw", "ivfpq"):
        for file in folder.glob(f"{kind}-*.faiss"):
            file.unlink()
        index, built = _timed(lambda: _built(index, kind))
        (file,) = folder.glob(f"{kind}-*.faiss")
        size = file.stat().st_size
    if kind == "place":
        given = np.random.default_rng(3).integers(0, passages, (queries, 20)).tolist()
        taken = _timed(lambda: index.place(asked, given))[1]
    else:
        taken = _timed(lambda: index.search(asked, DEPTH))[1]
    if isinstance(index, ApproximateIndex):
        recall = index.recall(asked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"| {kind} | {passages:,} | {built:,.0f} | {1_000 * taken / queries:,.2f} | {recall:.3f} | "
        f"{size / 2**20:,.0f} MB | {peak:.2f} GB |"
    )


def _built(index: Index, kind: str) -> Index:
    made = ApproximateIndex(index, kind)  # type: ignore[arg-type]
    made.search(vectors(7, 1), 1)
    return made


def _timed(work: Callable[[], Value]) -> tuple[Value, float]:
    started = time.process_time()
    return work(), time.process_time() - started


def main() -> None:
    """Print a table with a row for each kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--one", default="")
    options = parser.parse_args()
    if options.one:
        return print(measure(options.folder, options.passages, options.queries, options.one))
    print(description())
    build(options.folder, options.passages)
    print(
        "| index | passages | build, s | ms a query | recall@10 | on disk | peak |\n|---|---:|---:|---:|---:|---:|---:|"
    )
    for kind in options.kinds.split(","):
        arguments = [str(options.folder), f"--passages={options.passages}", f"--queries={options.queries}"]
        command = [sys.executable, "-m", "tests.benchmarks.index", *arguments, f"--one={kind}"]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True)


if __name__ == "__main__":
    machine.prepare()
    main()
