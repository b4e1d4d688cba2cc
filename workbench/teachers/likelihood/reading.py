"""Pairs as a model reads them: the likelihoods of their answers, of each pair as soon as its last one is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.records import AnswerLikelihood
from workbench.teachers.likelihood.pairs import Pair
from workbench.teachers.likelihood.sharing import Continuation, batches

if TYPE_CHECKING:
    from workbench.teachers.likelihood.causal import CausalModel


Key = tuple[str, str, int]


class Target(NamedTuple):
    """One answer in one wording: what is read with the passage, and without, by what the latter depends on."""

    with_passage: Continuation
    without_passage: Continuation
    key: Key


class WordedPair(NamedTuple):
    """One pair in the words of each template, and the answers that all of them leave something of."""

    wordings: tuple[Pair, ...]
    answers: tuple[str, ...]

    @property
    def targets(self) -> list[Target]:
        """Return what is read: answer by answer, in each wording."""
        return [
            Target(
                Continuation(pair.prompt, pair.answers[answer]),
                Continuation(pair.prompt_without_passage, pair.answers[answer]),
                (pair.query.text, answer, number),
            )
            for answer in self.answers
            for number, pair in enumerate(self.wordings)
        ]


def likelihoods(
    model: CausalModel, pairs: Sequence[WordedPair], token_budget: int
) -> Iterator[list[tuple[WordedPair, tuple[AnswerLikelihood, ...]]]]:
    """Yield pairs with the likelihoods of their answers, batch by batch, those whose last answer was read.

    What a query's answers have without a passage is read when it is first needed. Of several wordings the mean is
    taken: of log-likelihoods per token, times the tokens that the first one takes.
    """
    targets_of = [pair.targets for pair in pairs]
    targets = [target for of_pair in targets_of for target in of_pair]
    starts = np.cumsum([0, *map(len, targets_of)])
    unread = np.diff(starts)
    owners = np.repeat(np.arange(len(pairs)), unread)
    known: dict[Key, float] = {}
    values = np.zeros(len(targets))
    for batch in batches([target.with_passage for target in targets], token_budget, model.sharing):
        read = [targets[member] for member in batch.members]
        without = {target.key: target.without_passage for target in read if target.key not in known}
        known |= zip(without, _read(model, list(without.values()), token_budget), strict=True)
        with_passage = [target.with_passage for target in read]
        values[batch.members] = model.log_likelihoods(with_passage, token_budget, batch.shared, batch.counts)
        np.subtract.at(unread, owners[batch.members], 1)
        finished = []
        for at in np.unique(owners[batch.members]):
            if not unread[at]:
                without_passage = [known[target.key] for target in targets_of[at]]
                finished.append((pairs[at], _answers(pairs[at], values[starts[at] : starts[at + 1]], without_passage)))
        if finished:
            yield finished


def _read(model: CausalModel, continuations: Sequence[Continuation], token_budget: int) -> list[float]:
    values = np.zeros(len(continuations))
    for batch in batches(continuations, token_budget, model.sharing):
        read = [continuations[member] for member in batch.members]
        values[batch.members] = model.log_likelihoods(read, token_budget, batch.shared, batch.counts)
    return [float(value) for value in values]


def _answers(
    pair: WordedPair, with_passage: NDArray[np.float64], without_passage: Sequence[float]
) -> tuple[AnswerLikelihood, ...]:
    """Return the likelihoods of a pair's answers, from values in the order of its continuations."""
    lengths = np.array([[len(wording.answers[answer]) for wording in pair.wordings] for answer in pair.answers])
    scale = lengths[:, :1] / lengths
    means = [(np.reshape(values, lengths.shape) * scale).mean(axis=1) for values in (with_passage, without_passage)]
    return tuple(
        AnswerLikelihood(answer, int(tokens), float(reading), float(guess))
        for answer, tokens, reading, guess in zip(pair.answers, lengths[:, 0], *means, strict=True)
    )
