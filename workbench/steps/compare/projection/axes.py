"""Vectors to two dimensions: principal axes, UMAP, the rotation between two spaces, and what a picture keeps of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import NothingToDo, WorkbenchError

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

NEIGHBOURS = 10
ROWS_AT_ONCE = 500


class Layout(NamedTuple):
    """What places vectors (n, d) at points (n, 2); `explained` is the share of the variance that each axis has."""

    place: Callable[[Floats], Doubles]
    explained: tuple[float, ...] = ()


def principal_axes(blocks: Iterable[Floats]) -> Layout:
    """Return the first two principal components of vectors that come in blocks (n, d).

    Only sums (d,) and (d, d) are held, in double precision: the axes are those of all vectors at once, whatever the
    blocks. Of the two directions of an axis, the one in which its largest entry is positive.
    """
    count, total, products = 0, np.zeros(()), np.zeros(())
    for block in blocks:
        vectors = block.astype(np.float64)
        count += len(vectors)
        total = total + vectors.sum(axis=0)
        products = products + vectors.T @ vectors
    if count < 2:
        raise NothingToDo(f"There are {count} texts to place.", "Ingest queries and passages; two make a picture.")
    mean = total / count
    variances, directions = np.linalg.eigh(products / count - np.outer(mean, mean))
    axes = directions[:, ::-1][:, :2].T
    axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    if len(axes) < 2:  # of vectors of a single number
        axes = np.vstack([axes, np.zeros_like(axes)])
    whole = max(float(variances.sum()), np.finfo(np.float64).tiny)
    shares = [max(0.0, float(variance)) / whole for variance in variances[::-1][:2]]
    return Layout(lambda vectors: (vectors.astype(np.float64) - mean) @ axes.T, tuple(shares))


def umap_layout(vectors: Floats, seed: int) -> Layout:
    """Return the UMAP layout of vectors (n, d) by cosine, which also places vectors that it was not made of."""
    if find_spec("umap") is None:
        raise WorkbenchError("UMAP needs umap-learn, which is not installed.", "pip install 'utility-workbench[map]'")
    import umap

    # With a seed UMAP runs on one thread, and says so in a warning unless it was asked for.
    reducer: Any = umap.UMAP(
        n_neighbors=max(2, min(15, len(vectors) - 1)), metric="cosine", random_state=seed, n_jobs=1,
        init="spectral" if len(vectors) > 3 * NEIGHBOURS else "random",
    )  # fmt: skip
    reducer.fit(vectors)
    return Layout(lambda more: np.asarray(reducer.transform(more), np.float64))


class Rotation(NamedTuple):
    """The rotation (d, d) of one space onto another, and the mean cosine of a text's vectors before and after it."""

    matrix: Doubles
    cosine: float
    rotated_cosine: float


def rotation(vectors: Floats, onto: Floats) -> Rotation:
    """Return the orthogonal Procrustes rotation of unit vectors (n, d) onto those of the same texts."""
    from scipy.linalg import orthogonal_procrustes

    own, other = vectors.astype(np.float64), onto.astype(np.float64)
    matrix, _ = orthogonal_procrustes(own, other)
    cosine, rotated = (float((one * other).sum(axis=1).mean()) for one in (own, own @ matrix))
    return Rotation(np.asarray(matrix, np.float64), cosine, rotated)


def neighbours_kept(vectors: Floats, points: Doubles) -> float | None:
    """Return the share of a point's 10 nearest in the picture (n, 2) that are among its 10 nearest vectors (n, d).

    Vectors are of unit length, compared by cosine. None of fewer than 12 points, which are all one another's nearest.
    """
    if len(points) < NEIGHBOURS + 2:
        return None
    shared = 0
    for start in range(0, len(points), ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, len(points)))
        distances = ((points[rows, None, :] - points[None, :, :]) ** 2).sum(axis=2)
        for near, close in zip(
            _nearest(-vectors[rows].astype(np.float64) @ vectors.T.astype(np.float64), rows),
            _nearest(distances, rows),
            strict=True,
        ):
            shared += len(np.intersect1d(near, close, assume_unique=True))
    return shared / (NEIGHBOURS * len(points))


def _nearest(distances: Doubles, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each row the columns of its 10 least distances, itself left out."""
    distances[np.arange(len(rows)), rows] = np.inf
    return np.argpartition(distances, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
