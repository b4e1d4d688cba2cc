"""An approximate index states its recall, gives exact similarities, and is used for its own vectors alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from workbench.errors import BadSetting, Damaged
from workbench.retrieval.index import approximate
from workbench.retrieval.index.approximate import Approximate, ApproximateIndex, choose
from workbench.retrieval.index.exact import Index
from workbench.retrieval.vector_cache import VectorCache, key

COUNT, WIDTH = 2_000, 16
KINDS: tuple[Approximate, ...] = ("int8", "hnsw", "ivfpq")


def unit(seed: int, count: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, WIDTH))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def exact_index(folder: Path, seed: int = 0) -> Index:
    """Return an index of vectors that lie in three files."""
    vectors, keys = unit(seed, COUNT), [key("passage", str(number)) for number in range(COUNT)]
    cache = VectorCache(folder)
    for start in range(0, COUNT, 700):
        cache.add(keys[start : start + 700], vectors[start : start + 700])
    reopened = VectorCache(folder)
    assert not len(reopened.missing(keys))
    return Index(reopened.stored(keys), [f"{number:04d}" for number in range(COUNT)])


def brute_force(queries: np.ndarray, vectors: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-(queries.astype(np.float64) @ vectors.astype(np.float64).T), axis=1)[:, :k]


def test_flat_from_disk_and_from_memory_equal_brute_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, index = unit(1, 20), exact_index(tmp_path)
    expected = brute_force(queries, unit(0, COUNT), 10)
    held = index.search(queries, 10)
    monkeypatch.setattr("workbench.retrieval.index.exact.HELD_BYTES", 0)
    monkeypatch.setattr("workbench.retrieval.stored_vectors.ROWS_AT_ONCE", 700)
    streamed = index.search(queries, 10)
    np.testing.assert_array_equal(held.rows, expected)
    np.testing.assert_array_equal(streamed.rows, expected)
    np.testing.assert_array_equal(held.similarities, streamed.similarities)
    placed = index.place(queries, expected.tolist())
    assert [list(one.ranks) for one in placed] == [list(range(1, 11))] * 20


@pytest.mark.parametrize("kind", KINDS)
def test_the_stated_recall_is_the_measured_one_and_similarities_are_exact(tmp_path: Path, kind: Approximate) -> None:
    queries, exact = unit(1, 60), exact_index(tmp_path)
    index = ApproximateIndex(exact, kind)
    nearest = index.search(queries, 10)
    truth = brute_force(queries, unit(0, COUNT), 10)
    measured = np.mean([len(set(near) & set(true)) / 10 for near, true in zip(nearest.rows, truth, strict=True)])
    assert index.recall(queries) == pytest.approx(measured)
    assert measured > 0.7
    cosines = np.sum(queries[:, None] * unit(0, COUNT)[nearest.rows], axis=2)
    np.testing.assert_allclose(nearest.similarities, cosines, atol=2e-6)
    assert (np.diff(nearest.similarities, axis=1) <= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_built_index_is_used_again_for_the_same_vectors_only(
    tmp_path: Path, kind: Approximate, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = unit(1, 5)
    first = ApproximateIndex(exact_index(tmp_path / "a"), kind).search(queries, 3)
    (file,) = (tmp_path / "a").glob(f"{kind}-*.faiss")
    built = []
    build = ApproximateIndex._built
    monkeypatch.setattr(ApproximateIndex, "_built", lambda index: built.append(kind) or build(index))
    again = ApproximateIndex(exact_index(tmp_path / "a"), kind).search(queries, 3)
    np.testing.assert_array_equal(first.rows, again.rows)
    assert built == []
    content = exact_index(tmp_path / "b", seed=9)
    (tmp_path / "b" / file.name).write_bytes(file.read_bytes())
    ApproximateIndex(content, kind).search(queries, 3)
    assert built == [kind], "an index of other vectors is not this one's"


def test_a_damaged_index_is_built_again_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, exact = unit(1, 5), exact_index(tmp_path)
    first = ApproximateIndex(exact, "int8").search(queries, 3)
    (file,) = tmp_path.glob("int8-*.faiss")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    assert approximate.damaged(tmp_path) == [file]
    with pytest.warns(Damaged, match="damaged index"):
        again = ApproximateIndex(exact, "int8").search(queries, 3)
    np.testing.assert_array_equal(first.rows, again.rows)
    for recipe in (2, 3, 4):
        monkeypatch.setattr(approximate, "RECIPE", recipe)
        ApproximateIndex(exact, "int8").search(queries, 3)
    assert len(list(tmp_path.glob("*.faiss"))) == 2
    assert not list(tmp_path.glob(".*")), "no draft stays"


def test_auto_is_exact_while_that_is_quick_and_vectors_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approximate.memory, "free", lambda: 1_536_000_000)
    assert choose("auto", (1_000_000, 384), 50_000) == ("flat", "")
    kind, reason = choose("auto", (10_000_000, 16), 50_000)
    assert (kind, reason) == (approximate.USUAL, "auto: exact search takes 500,000,000,000 comparisons")
    assert choose("hnsw", (10, 384), 1) == ("hnsw", "")
    monkeypatch.setattr(approximate.memory, "free", lambda: 1_535_999_999)
    kind, reason = choose("auto", (1_000_000, 384), 1)
    assert (kind, reason) == ("ivfpq", "auto: exact search reads vectors of 1.4 GB, and 1.4 GB of memory are free")
    assert choose("flat", (1_000_000, 384), 1) == ("flat", "")
    monkeypatch.setattr(approximate.memory, "free", lambda: 0)
    assert choose("auto", (999, 384), 1) == ("flat", "")


def test_few_passages_are_searched_exactly() -> None:
    with pytest.raises(BadSetting, match="needs 1,000"):
        ApproximateIndex(Index(unit(0, 9), [str(number) for number in range(9)]), "hnsw")
