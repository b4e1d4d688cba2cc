"""Axes of vectors: those of numpy's SVD whatever the blocks, rotations undone, neighbours counted by hand."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import NothingToDo, WorkbenchError
from workbench.steps.compare.projection import axes


def unit(rows: int, width: int, seed: int = 0) -> axes.Floats:
    """Return random unit vectors around one direction, as those of texts are."""
    vectors = np.random.default_rng(seed).normal(size=(rows, width)) * np.geomspace(1, 0.1, width) + 0.5
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("width", [2, 8])
def test_principal_axes_are_those_of_the_singular_value_decomposition(width: int) -> None:
    vectors = unit(60, width)
    layout = axes.principal_axes([vectors])
    centred = vectors.astype(np.float64) - vectors.astype(np.float64).mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    expected = centred @ directions[:2].T
    points = layout.place(vectors)
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-9)
    np.testing.assert_allclose(layout.explained, lengths[:2] ** 2 / (lengths**2).sum(), atol=1e-9)


@given(st.lists(st.integers(1, 59), max_size=4))
def test_blocks_give_the_axes_of_the_whole(cuts: list[int]) -> None:
    vectors = unit(60, 5)
    whole = axes.principal_axes([vectors]).place(vectors)
    parts = np.split(vectors, sorted(set(cuts)))
    np.testing.assert_allclose(axes.principal_axes(parts).place(vectors), whole, atol=1e-9)


def test_axes_hold_no_more_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[int] = []

    def blocks() -> Iterator[axes.Floats]:
        for seed in range(50):
            block = unit(20, 4, seed)
            alive.append(sys.getrefcount(block))
            yield block
            assert sys.getrefcount(block) <= alive[0] + 1, "a block is still held after the next was asked for"

    axes.principal_axes(blocks())
    assert len(alive) == 50


def test_vectors_of_one_number_and_equal_ones_have_a_picture_too() -> None:
    assert axes.principal_axes([np.array([[1.0], [-1.0]], np.float32)]).place(np.ones((1, 1), np.float32)).shape == (
        1,
        2,
    )
    same = axes.principal_axes([np.ones((3, 4), np.float32) / 2])
    assert same.explained == (0.0, 0.0)
    with pytest.raises(NothingToDo, match="1 texts"):
        axes.principal_axes([np.ones((1, 4), np.float32)])


def test_a_rotation_is_undone_and_told_from_what_training_moved() -> None:
    vectors = unit(200, 6)
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))
    turned = axes.rotation((vectors @ turn).astype(np.float32), vectors)
    assert turned.rotated_cosine == pytest.approx(1, abs=1e-5)
    assert turned.cosine < 0.9
    np.testing.assert_allclose(turned.matrix, turn.T, atol=1e-4)
    same = axes.rotation(vectors, vectors)
    assert (same.cosine, same.rotated_cosine) == pytest.approx((1, 1), abs=1e-6)


def test_neighbours_that_a_picture_keeps_are_counted() -> None:
    angles = np.linspace(0, np.pi / 2, 40)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert axes.neighbours_kept(circle.astype(np.float32), circle) == 1
    shuffled = np.random.default_rng(0).permutation(circle)
    assert (axes.neighbours_kept(circle.astype(np.float32), shuffled) or 0) < 0.5
    assert axes.neighbours_kept(circle[:11].astype(np.float32), circle[:11]) is None


def test_umap_is_asked_for_by_its_extra_and_given_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(axes, "find_spec", lambda name: None)
    with pytest.raises(WorkbenchError, match=r"utility-workbench\[map\]"):
        axes.umap_layout(unit(40, 4), 7)
    asked = {}

    class Reducer:
        def __init__(self, **settings: object) -> None:
            asked.update(settings)

        def fit(self, vectors: axes.Floats) -> None:
            asked["fitted"] = vectors.shape

        def transform(self, vectors: axes.Floats) -> axes.Floats:
            return vectors[:, :2]

    monkeypatch.setattr(axes, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "umap", types.SimpleNamespace(UMAP=Reducer))
    layout = axes.umap_layout(unit(40, 4), 7)
    assert layout.place(unit(3, 4)).shape == (3, 2)
    assert (asked["random_state"], asked["metric"], asked["fitted"]) == (7, "cosine", (40, 4))
