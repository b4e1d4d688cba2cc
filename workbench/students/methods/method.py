"""What a method of student takes and gives: a loaded base with vectors of texts, and a student in the making."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.students.architectures import Task

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor


class TextVectors(NamedTuple):
    """Distinct texts and the unit vectors (n, d) that the base has for them."""

    texts: Sequence[str]
    vectors: NDArray[np.float32]


NO_VECTORS = TextVectors((), np.empty((0, 0), np.float32))


@dataclass(frozen=True)
class MethodInputs:
    """What a student is made of: a loaded base, and the base's vectors of texts where the method needs them.

    `rank` None is the method's own. `training_queries` are the texts of the training queries, `collection` those of
    the passages that are searched, `max_tokens` where encoders truncate.
    """

    base: SentenceTransformer
    rank: int | None = None
    seed: int = 0
    max_tokens: int | None = None
    queries: TextVectors = NO_VECTORS
    passages: TextVectors = NO_VECTORS
    training_queries: Sequence[str] = ()
    collection: Sequence[str] = ()


@dataclass(frozen=True)
class MethodParts:
    """A student in the making: the model that is trained, and functions that return what is evaluated and saved.

    Both functions return the student as it is at the time. `anchor` returns the base's vectors of texts, for a method
    whose vectors are pulled towards them in training.
    """

    model: SentenceTransformer
    to_save: Callable[[], SentenceTransformer]
    to_evaluate: Callable[[], SentenceTransformer]
    anchor: Callable[[Task, Sequence[str]], Tensor] | None = None


class Method(NamedTuple):
    """One way from a base to a student.

    `implementation` is "module:function", from MethodInputs to MethodParts, imported when it is used. `base_vectors`
    are the sides whose texts must come with the base's vectors; `trains_encoder` is false where finished vectors alone
    are changed. With `keeps_passage_vectors` the student's passage vectors are the base's, so that an index of them
    stays valid. `rank` is the default of a method that has one. `learning_rate`, and on a static base `static_rate`,
    are the method's own; None leaves them to the base's nature. Rates on static bases were chosen on squad_dev's dev
    split.
    """

    implementation: str
    about: str
    base_vectors: frozenset[Task] = frozenset()
    trains_encoder: bool = True
    keeps_passage_vectors: bool = False
    rank: int | None = None
    learning_rate: float | None = None
    static_rate: float | None = None

    def rate(self, static: bool) -> float | None:
        """Return the method's own learning rate, None if it has none."""
        return self.static_rate if static else self.learning_rate

    def default_rank(self, dimension: int | None) -> int | None:
        """Return the method's own rank, at most the dimension of the vectors it changes; None if it has none."""
        return None if self.rank is None else min(self.rank, dimension or self.rank)
