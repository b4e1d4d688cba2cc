"""Project: every query and passage at a point in two dimensions, so that a student can be seen before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq

from workbench.errors import BadSetting
from workbench.records import Listener, silent
from workbench.results import Result, counted
from workbench.retrieval.encoder import Encoder
from workbench.steps.compare.projection import encoded, kept
from workbench.steps.compare.projection.axes import (
    Floats,
    Layout,
    neighbours_kept,
    principal_axes,
    rotation,
    umap_layout,
)
from workbench.store import Store, views
from workbench.store.views.projected import texts
from workbench.students import is_same_model

METHODS = {"pca": "principal components", "umap": "UMAP, which keeps neighbourhoods and no distances"}
MOST_FITTED = 10_000  # texts that UMAP and a rotation are fitted on
MOST_MEASURED = 2_000  # texts among which neighbours are looked for
# A rotation is undone where it brings a text's two vectors so much closer: training moves vectors, and that is to be
# seen; a model with other axes has turned all of them alike.
GAIN = 0.1


@dataclass(frozen=True)
class Projection(Result):
    """Where a student's vectors of queries and passages lie in two dimensions, on the axes of `axes_of`.

    `placement` says how they came there: "own" axes, the "same" axes as they are, "rotated" first, or "other
    dimensions", which have own axes although others were asked for. `explained` are the shares of the variance of the
    two axes, where the axes are principal components. `neighbours` is the share of a point's 10 nearest points that are
    among its 10 nearest vectors, over `sample` texts; None of too few. `cosine` is the mean over texts between the
    vectors of both students, `rotated_cosine` the same after the best rotation. `file` is a Parquet file.
    """

    columns: ClassVar = {
        "kind": '"query" or "passage"',
        "id": "its id",
        "x": "first coordinate",
        "y": "second coordinate",
    }

    student: str
    axes_of: str
    method: str
    seed: int
    queries: int
    passages: int
    explained: tuple[float, ...]
    placement: str
    cosine: float | None
    rotated_cosine: float | None
    neighbours: float | None
    sample: int
    file: Path

    @property
    def in_words(self) -> str:
        """Return what was placed and by what axes, and how far the picture can be believed."""
        placed = f"{self.student}: {self.queries:,} queries and {self.passages:,} passages by {METHODS[self.method]}"
        return f"{placed}. {self.placement_in_words} {self.quality_in_words}"

    @property
    def is_comparable(self) -> bool:
        """Return whether its points can be compared with those of the student whose axes were asked for."""
        return self.placement != "other dimensions"

    @property
    def placement_in_words(self) -> str:
        """Return whose axes they are, and what was done to compare."""
        if self.placement == "own":
            return "The axes are its own."
        if self.placement == "other dimensions":
            return f"Its vectors have other dimensions than those of {self.axes_of}, so the axes are its own."
        cosines = f"a text's vectors of both have a mean cosine of {self.cosine:.3f}"
        if self.placement == "same":
            return f"The axes are those of {self.axes_of}: {cosines}."
        return (
            f"The axes are those of {self.axes_of}, after a rotation of all vectors alike (orthogonal Procrustes): "
            f"{cosines}, and {self.rotated_cosine:.3f} once rotated."
        )

    @property
    def quality_in_words(self) -> str:
        """Return what two dimensions keep."""
        owner = self.axes_of if self.is_comparable else self.student
        variance = f"The two axes hold {sum(self.explained):.0%} of the variance of {owner}. " if self.explained else ""
        if self.neighbours is None:
            return f"{variance}There are too few texts to say whether neighbours stay neighbours."
        return (
            f"{variance}Of a point's 10 nearest points, {10 * self.neighbours:.1f} are among its 10 nearest in all "
            f"dimensions, over {counted(self.sample, 'text')}: what is near here need not be similar."
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each query and passage."""
        table = pq.read_table(self.file, columns=list(self.columns))
        return zip(*(column.to_pylist() for column in table.columns), strict=True)


def project(
    store: Store, student: str, axes_of: str = "", method: str = "pca", seed: int = 0, listen: Listener = silent
) -> Projection:
    """Place all queries and passages in two dimensions by a student's vectors, and keep the points in the workspace.

    On the axes of another student the two can be compared point by point. Vectors that are not there yet are encoded
    and kept. What was placed before is read again, unless texts or models have changed.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        A dense student, by name.
    axes_of : str
        The student whose axes are used, such as its base; its own unless given. Where its vectors have as many
        dimensions but are turned, they are rotated first; where they have others, the axes stay the student's own.
    method : str
        "pca", or "umap" with the extra `map`.
    seed : int
        Of UMAP's random numbers.
    listen : Listener
        Called with the progress.

    Returns
    -------
    Projection
        Where the points are, whose axes they have, and how many neighbours stay neighbours.

    Raises
    ------
    BadSetting
        There is no such method, or the student has no vectors.
    NothingToDo
        There are fewer than two texts.

    Examples
    --------
    >>> before = wb.project(store, base)
    >>> after = wb.project(store, "student", axes_of=base)
    >>> after.placement, after.to_frame().columns.tolist()
    ('same', ['kind', 'id', 'x', 'y'])
    """
    if method not in METHODS:
        raise BadSetting(f"The method is {method!r}.", f"It is one of {', '.join(METHODS)}.")
    own = encoded.dense_encoder(store, student)
    is_own = not axes_of or is_same_model(student, axes_of)
    other = own if is_own else encoded.dense_encoder(store, axes_of)
    recipe = kept.Recipe(own.name, other.name, method, seed)
    of = kept.contents(store, [own.fingerprint, other.fingerprint])
    if held := kept.find(store, recipe, of):
        return _read(recipe, *held)
    sample = texts.drawn_texts(store, MOST_FITTED)
    vectors = encoded.sample_vectors(store, own, sample, listen)
    others = vectors if is_own else encoded.sample_vectors(store, other, sample, listen)
    fits = vectors.shape == others.shape
    layout = _layout(store, recipe, other if fits else own, others if fits else vectors, listen)
    facts: dict[str, Any] = {"placement": "own" if is_own else "other dimensions"}
    if fits and not is_own:
        layout, facts = _onto(layout, vectors, others)
    counts = views.counts(store)
    facts |= {"queries": counts.queries, "passages": counts.passages, "explained": layout.explained}
    facts |= _quality(layout, vectors)
    path = kept.write(store, recipe, of, _placed(store, own, layout, listen), facts)
    return _read(recipe, path, facts)


def kept_projection(
    store: Store, student: str, axes_of: str = "", method: str = "pca", seed: int = 0
) -> Projection | None:
    """Return a projection that was made before of the same texts and models, None if there is none; loads no model."""
    recipe = kept.Recipe(student, axes_of or student, method, seed)
    held = kept.find(store, recipe)
    return held and _read(recipe, *held)


def _read(recipe: kept.Recipe, file: Path, facts: Mapping[str, Any]) -> Projection:
    known = {"cosine": None, "rotated_cosine": None} | dict(facts)
    return Projection(*recipe, file=file, **(known | {"explained": tuple(known["explained"])}))


def _layout(store: Store, recipe: kept.Recipe, encoder: Encoder, sample: Floats, listen: Listener) -> Layout:
    """Return the layout of a student's vectors: principal axes of all of them, or UMAP of the sample."""
    if recipe.method == "umap":
        return umap_layout(sample, recipe.seed)
    return principal_axes(block.vectors for block in encoded.blocks(store, encoder, listen))


def _onto(layout: Layout, vectors: Floats, others: Floats) -> tuple[Layout, dict[str, Any]]:
    """Return what places a student's vectors on the axes of others, rotated where that is what parts them."""
    turned = rotation(vectors, others)
    facts = {"cosine": turned.cosine, "rotated_cosine": turned.rotated_cosine}
    # Fewer texts than dimensions can always be rotated onto others.
    if len(vectors) < 2 * vectors.shape[1] or turned.rotated_cosine - turned.cosine < GAIN:
        return layout, facts | {"placement": "same"}
    return layout._replace(place=lambda more: layout.place(np.asarray(more @ turned.matrix, np.float32))), facts | {
        "placement": "rotated"
    }


def _quality(layout: Layout, vectors: Floats) -> dict[str, Any]:
    """Return over how many texts neighbours were looked for, and which share of them the picture keeps."""
    rows = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), MOST_MEASURED)).astype(int))
    some = vectors[rows]
    return {"neighbours": neighbours_kept(some, layout.place(some)), "sample": len(some)}


def _placed(store: Store, encoder: Encoder, layout: Layout, listen: Listener) -> Iterator[kept.PointBlock]:
    for block in encoded.blocks(store, encoder, listen):
        yield kept.PointBlock(block.kind, block.ids, layout.place(block.vectors))
