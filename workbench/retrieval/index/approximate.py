"""Approximate search: indexes of faiss that are quicker or smaller than the vectors, and their recall."""

from __future__ import annotations

import sys
import warnings
from functools import cached_property
from hashlib import file_digest, sha256
from importlib import import_module
from importlib.util import find_spec
from math import isqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np

from workbench import files, memory
from workbench.errors import BadSetting, Damaged
from workbench.records import IndexKind, Listener, Progress, silent
from workbench.retrieval.index.exact import MARGIN, Index
from workbench.retrieval.ranking import Floats, Nearest, Rows, best_rows, check_depth, no_hits
from workbench.retrieval.stored_vectors import ROWS_AT_ONCE, StoredVectors

Approximate = Literal["int8", "hnsw", "ivfpq"]

# Comparisons of a query with a passage that exact search makes in about ten minutes of an idle core: so long an exact
# result is worth the wait.
QUICK_COMPARISONS = 50_000_000_000
# Of few vectors no centroids can be learnt, and exact search is quicker anyway.
LEAST_PASSAGES = 1_000
BYTES_OF_NUMBER = 4  # of a float32
RECALL_QUERIES, RECALL_DEPTH = 100, 10
# How many times k are looked at exactly: product quantisation tells near neighbours apart less well.
CANDIDATES = {"int8": 1, "hnsw": 2, "ivfpq": 4}
# What "auto" takes for more comparisons than are quick, or vectors than fit; see docs/search.md for what each costs.
USUAL: Approximate = "ivfpq"
RECIPE = 1  # raised with what an index is built by, so that none of a former recipe is used
INDEXES_OF_KIND = 2  # kept in a folder of vectors, the last ones that were built
SUFFIX = ".faiss"


class Choice(NamedTuple):
    """The index to search by, and the `reason` where "auto" stands for an approximate one."""

    kind: Approximate | Literal["flat"]
    reason: str = ""


def choose(kind: IndexKind, shape: tuple[int, ...], queries: int) -> Choice:
    """Return what "auto" stands for with vectors (n, d): exact search while it is quick and the vectors fit in memory.

    Vectors on disk are read again for every few hundred queries whose candidates are placed; where they fit in memory,
    the system keeps what was read.
    """
    passages, width = shape
    if kind != "auto":
        return Choice(kind)
    if passages < LEAST_PASSAGES:
        return Choice("flat")
    if passages * queries > QUICK_COMPARISONS:
        return Choice(USUAL, f"auto: exact search takes {passages * queries:,} comparisons")
    if (size := passages * width * BYTES_OF_NUMBER) > (free := memory.free()):
        wanted, there = memory.in_words(size), memory.in_words(free)
        return Choice(USUAL, f"auto: exact search reads vectors of {wanted}, and {there} of memory are free")
    return Choice("flat")


class ApproximateIndex(Index):
    """An index that names candidates, whose similarities are then taken exactly; `place` is exact.

    It is kept beside vectors on disk, under a name of its kind and of their content: others never meet it.
    """

    def __init__(self, exact: Index, kind: Approximate, listen: Listener = silent) -> None:
        if len(exact.vectors) < LEAST_PASSAGES:
            raise BadSetting(
                f"There are {len(exact.vectors):,} passages, and an index {kind} needs {LEAST_PASSAGES:,}.",
                "Leave --index at auto or flat: exact search of so few is quick.",
            )
        self.stored, self.vectors, self.order = exact.stored, exact.vectors, exact.order
        self.kind = kind
        self._exact_index, self._listen = exact, listen

    def search(self, queries: Floats, k: int) -> Nearest:
        """Return the k nearest of the candidates that the index names: rows and exact similarities (q, k)."""
        check_depth(k)
        nearest = no_hits(len(queries), k)
        width = min(len(self.vectors), CANDIDATES[self.kind] * (k + MARGIN))
        candidates = [rows[rows >= 0] for rows in self._candidates(queries, width)]
        for query, (rows, exact) in enumerate(zip(candidates, self._of_rows(queries, candidates), strict=True)):
            best = best_rows(exact, self.order[rows], k)
            nearest.fill(query, rows[best], exact[best])
        return nearest

    def recall(self, queries: Floats, k: int = RECALL_DEPTH) -> float:
        """Return what share of the k nearest this search finds, in the mean over a sample of the queries."""
        sample = queries[:: -(-len(queries) // RECALL_QUERIES)]
        exact, approximate = self._exact_index.search(sample, k).rows, self.search(sample, k).rows
        return float(np.mean([np.isin(true, near).mean() for true, near in zip(exact, approximate, strict=True)]))

    def _candidates(self, queries: Floats, width: int) -> Rows:
        index = self._faiss
        if self.kind == "hnsw":
            index.hnsw.efSearch = max(2 * width, 128)
        if self.kind == "ivfpq":
            index.nprobe = max(8, index.nlist // 8)
        return index.search(np.ascontiguousarray(queries, np.float32), width)[1]  # type: ignore[no-any-return]

    @cached_property
    def _faiss(self) -> Any:
        """Return the faiss index, built where no whole one is on disk."""
        faiss = import_faiss()
        if not isinstance(self.stored, StoredVectors):
            return self._built()
        folder = self.stored.folder
        content = sha256(f"{RECIPE} {self.stored.content}".encode()).hexdigest()[:16]
        name = f"{self.kind}-{content}-"
        for file in folder.glob(f"{name}*{SUFFIX}"):
            if _is_whole(file):
                return faiss.read_index(str(file))
            warnings.warn(f"Left out a damaged index, {file}.", Damaged, stacklevel=2)
            file.unlink(missing_ok=True)
        index = self._built()
        _save(index, folder, name)
        _forget(folder, self.kind)
        return index

    def _built(self) -> Any:
        """Return an index of all vectors, which are read in blocks; what it learns, it learns of a sample."""
        faiss = import_faiss()
        count, width = self.vectors.shape
        lists = 2 * isqrt(count)
        # "np" spares ivfpq a training for Hamming distances, of two seconds a part of a vector.
        recipe = {
            "int8": "SQ8",
            "hnsw": "HNSW32_SQ8",
            "ivfpq": f"IVF{lists},PQ{_parts_of(width)}np",
        }[self.kind]
        # Of unit vectors the nearest have the largest cosine; and faiss learns centroids ten times faster by distance.
        index = faiss.index_factory(width, recipe, faiss.METRIC_L2)
        if self.kind == "ivfpq":
            index.cp.min_points_per_centroid = index.pq.cp.min_points_per_centroid = 1  # else it prints
            index.pq.cp.niter = 8  # the usual 25 take three times as long
        sample = np.linspace(0, count - 1, min(count, max(10_000, 39 * lists))).astype(np.int64)
        index.train(self.vectors[sample])
        for start in range(0, count, ROWS_AT_ONCE):
            self._listen(Progress("index", start, count, "passages", self.kind))
            index.add(self.vectors[start : start + ROWS_AT_ONCE])
        self._listen(Progress("index", count, count, "passages", self.kind))
        return index


def damaged(folder: Path) -> list[Path]:
    """Return the indexes in a folder of vectors that are not what was written."""
    return [file for file in sorted(folder.glob(f"*{SUFFIX}")) if not _is_whole(file)]


def _is_whole(file: Path) -> bool:
    """Return whether an index is what was written: its name ends in a digest of its content."""
    return file.stem.rpartition("-")[2] == _digest(file)


def _save(index: Any, folder: Path, name: str) -> None:
    with TemporaryDirectory(prefix=files.DRAFTS, dir=folder) as own:
        import_faiss().write_index(index, str(written := Path(own) / name))
        with files.aside(folder / f"{name}{_digest(written)}{SUFFIX}") as draft:
            written.rename(draft)


def _forget(folder: Path, kind: str) -> None:
    """Remove the indexes of a kind that were built before the last ones."""
    built = sorted(folder.glob(f"{kind}-*{SUFFIX}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in built[INDEXES_OF_KIND:]:
        file.unlink(missing_ok=True)


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()[:16]


def _parts_of(width: int) -> int:
    """Return into how many parts of equal width product quantisation cuts a vector: of eight numbers, if that fits."""
    return max(parts for parts in range(1, max(2, width // 8 + 1)) if width % parts == 0)


def import_faiss() -> Any:
    """Import faiss so that it gets along with torch, whichever of the two is wanted later.

    On Linux their OpenMP libraries coexist. Elsewhere a process that loads both may crash unless torch comes first
    and faiss keeps to one thread (faiss-wheels issue 73, pytorch issue 149201).
    """
    if sys.platform != "linux" and find_spec("torch"):
        import_module("torch")
    faiss = import_module("faiss")
    if sys.platform != "linux":
        faiss.omp_set_num_threads(1)
    return faiss
