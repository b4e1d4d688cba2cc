"""The attention teacher: how much more a query's tokens attend to a passage than those of a query without content."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench import machine
from workbench.errors import BadSetting, NothingToDo
from workbench.hub import model_folder
from workbench.records import Failure, Group, Passage, Scored, Unit, Utility
from workbench.teachers.attention.settings import AttentionSettings
from workbench.teachers.likelihood import checkpoint

if TYPE_CHECKING:
    from workbench.teachers.attention.model import AttentionModel, Ending

BEFORE = "Read these passages."
PASSAGE = "\n\n[{number}]"
AFTER = "\n\nFind in the passages above what answers this question.\n\nQuestion:"
# Tokens whose calibrated attention is so many standard deviations below their passage's mean are left out.
DEVIATIONS = 2.0
CHAT_FILES = ("chat_template.jinja", "chat_template.json")


class _Shown(NamedTuple):
    """A passage as it stands in the prompt: its tokens, and how many of them are left out."""

    passage: Passage
    ids: list[int]
    unread: int


class _Checkpoint(NamedTuple):
    folder: Path
    dtype: str
    device: str


class Attention:
    """Scores a query's passages together, by in-context re-ranking of Chen et al. (ICR), arXiv 2410.02642.

    A passage's utility is the attention from the query's tokens to its own, less that from the calibration query's,
    summed over its tokens, layers and heads, without tokens far below their passage's mean. The paper begins with the
    retriever's order; a teacher knows of none, hence a shuffled one. What does not fit one prompt is cut into as few
    windows of like size as can be; the paper slides.
    """

    def __init__(self, settings: AttentionSettings) -> None:
        self.settings = settings
        self._name = ""
        self._checkpoint: _Checkpoint | None = None
        self._model: AttentionModel | None = None

    @property
    def name(self) -> str:
        """Return the recipe: model and weights, prompt and reading settings, seed, dtype."""
        if not self._name:
            raise NothingToDo("The attention teacher does not know its model yet.", "Call prepare(()) first.")
        return self._name

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        return "attention"

    def prepare(self, collection: Iterable[Passage] = ()) -> None:
        """Find the model and fingerprint its files; it is loaded when the first query is asked about.

        How titles are joined to texts is part of the recipe, as `collection` has it.
        """
        settings = self.settings
        folder = model_folder(str(settings.model), checkpoint.FILES)
        device = machine.best_device() if settings.device == "auto" else settings.device
        dtype = checkpoint.dtype_of(settings.dtype, device)
        title_join = next((passage.title_join for passage in collection), " ")
        limits = [settings.max_tokens, settings.max_passage_tokens]
        reading = [BEFORE, PASSAGE, AFTER, settings.calibration, *limits, title_join]
        prompt = sha256(json.dumps(reading).encode()).hexdigest()[:6]
        model = checkpoint.model_name(settings.model, folder, CHAT_FILES)
        self._name = f"attention:{model}:icr-{prompt}-seed{settings.seed}:{dtype}"
        self._checkpoint, self._model = _Checkpoint(folder, dtype, device), None

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield the utilities of each window of a query's passages; stopping between windows is safe."""
        model = self._open()
        for group in groups:
            endings = self._endings(group.query.text)
            label = len(model.ids(PASSAGE.format(number=len(group.passages))))
            room = self._room(endings)
            if room <= label or not endings[0].of_query:
                reason = "the query leaves no room for a passage" if room <= label else "the query has no tokens"
                yield [self._failure(group, passage, reason) for passage in group.passages]
                continue
            passages = list(group.passages)
            random.Random(f"{self.settings.seed}:{group.query.query_id}").shuffle(passages)
            shown = [self._shown(passage, room - label) for passage in passages]
            for window in _windows(shown, [label + len(one.ids) for one in shown], room):
                yield self._scored(group, window, endings)

    def _scored(self, group: Group, window: Sequence[_Shown], endings: Sequence[Ending]) -> list[Scored]:
        model = self._open()
        context = [*model.beginning, *model.ids(BEFORE)]
        spans = []
        for number, one in enumerate(window, start=1):
            context += model.ids(PASSAGE.format(number=number))
            spans.append(slice(len(context), len(context) + len(one.ids)))
            context += one.ids
        of_query, of_calibration = model.attention(context, endings)
        rows: list[Scored] = []
        for one, span in zip(window, spans, strict=True):
            value = calibrated(of_query[span], of_calibration[span])
            if isfinite(value):
                ids = group.query.query_id, one.passage.passage_id
                rows.append(Utility(*ids, self.name, value, truncated=one.unread))
            else:
                rows.append(self._failure(group, one.passage, "the model gave no finite attention"))
        return rows

    def _endings(self, query: str) -> list[Ending]:
        """Return what follows the passages: the question, and the one without content."""
        from workbench.teachers.attention.model import Ending

        model = self._open()
        texts = [model.ids(f" {text.strip()}") if text.strip() else [] for text in (query, self.settings.calibration)]
        return [Ending([*model.ids(AFTER), *ids], len(ids)) for ids in texts]

    def _room(self, endings: Sequence[Ending]) -> int:
        """Return how many tokens passages and their numbers may have together."""
        model = self._open()
        limits = [limit for limit in (model.limit, self.settings.max_tokens) if limit is not None]
        if not limits:
            raise BadSetting("The model's configuration has no limit on its tokens.", "Set max_tokens.")
        around = len(model.beginning) + len(model.ids(BEFORE)) + max(len(ending.ids) for ending in endings)
        return min(limits) - around

    def _shown(self, passage: Passage, room: int) -> _Shown:
        ids = self._open().ids(f" {passage.content.strip()}") if passage.content.strip() else []
        most = min(room, self.settings.max_passage_tokens or room)
        return _Shown(passage, ids[:most], max(0, len(ids) - most))

    def _failure(self, group: Group, passage: Passage, reason: str) -> Failure:
        return Failure(group.query.query_id, passage.passage_id, self.name, reason)

    def _open(self) -> AttentionModel:
        if self._checkpoint is None:
            raise NothingToDo("The attention teacher does not know its model yet.", "Call prepare(()) first.")
        if self._model is None:
            from workbench.teachers.attention.model import AttentionModel

            self._model = AttentionModel(*self._checkpoint)
        return self._model


def calibrated(of_query: NDArray[np.float64], of_calibration: NDArray[np.float64]) -> float:
    """Return a passage's calibrated attention, summed over its tokens but those far below their mean."""
    difference = of_query - of_calibration
    if len(difference) > 1 and np.isfinite(difference).all():
        # Rounding must not drop tokens that are all alike.
        least = difference.mean() - DEVIATIONS * difference.std(ddof=1) - 1e-12
        difference = difference[difference >= least]
    return float(difference.sum())


def _windows(shown: Sequence[_Shown], lengths: Sequence[int], room: int) -> list[Sequence[_Shown]]:
    """Return the passages in as few windows of as many passages each as fit the room; one alone always fits."""
    for parts in range(1, len(shown) + 1):
        borders = [len(shown) * part // parts for part in range(parts + 1)]
        if all(sum(lengths[start:end]) <= room for start, end in pairwise(borders)):
            return [shown[start:end] for start, end in pairwise(borders)]
    return [[one] for one in shown]
