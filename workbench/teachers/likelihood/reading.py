"""Pairs as a model reads them: the likelihoods of their answers, of each pair as soon as its last one is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workbench.records import AnswerLikelihood
from workbench.teachers.likelihood.pairs import Pair
from workbench.teachers.likelihood.sharing import Continuation, batches

if TYPE_CHECKING:
    from workbench.teachers.likelihood.causal import CausalModel


class WordedPair(NamedTuple):
    """One pair in the words of each template, and the answers that all of them leave something of."""

    wordings: tuple[Pair, ...]
    answers: tuple[str, ...]

    @property
    def continuations(self) -> list[Continuation]:
        """Return what is read with the passage: answer by answer, in each wording."""
        return [Continuation(pair.prompt, pair.answers[answer]) for answer in self.answers for pair in self.wordings]

    @property
    def continuations_without_passage(self) -> dict[tuple[str, str, int], Continuation]:
        """Return what is read without the passage, by query, answer and the wording's number."""
        return {
            (pair.query.text, answer, number): Continuation(pair.prompt_without_passage, pair.answers[answer])
            for answer in self.answers
            for number, pair in enumerate(self.wordings)
        }


def likelihoods(
    model: CausalModel, pairs: Sequence[WordedPair], token_budget: int
) -> Iterator[list[tuple[WordedPair, tuple[AnswerLikelihood, ...]]]]:
    """Yield pairs with the likelihoods of their answers, batch by batch, those whose last continuation was read.

    Of several wordings the mean is taken: of log-likelihoods per token, times the tokens that the first one takes.
    """
    keys = [list(pair.continuations_without_passage) for pair in pairs]
    without = {key: one for pair in pairs for key, one in pair.continuations_without_passage.items()}
    known = dict(zip(without, _read_all(model, list(without.values()), token_budget), strict=True))
    continuations = [one for pair in pairs for one in pair.continuations]
    owners = np.repeat(np.arange(len(pairs)), [len(of_pair) for of_pair in keys])
    starts = np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=len(pairs)))])
    unread, values = np.diff(starts), np.zeros(len(continuations))
    for batch in batches(continuations, token_budget, model.forward_cost):
        read = [continuations[member] for member in batch.members]
        values[batch.members] = model.log_likelihoods(read, token_budget, batch.shared)
        np.subtract.at(unread, owners[batch.members], 1)
        finished = [int(owner) for owner in np.unique(owners[batch.members]) if not unread[owner]]
        if finished:
            yield [
                (
                    pairs[at],
                    _answers(pairs[at], list(values[starts[at] : starts[at + 1]]), [known[key] for key in keys[at]]),
                )
                for at in finished
            ]


def _read_all(model: CausalModel, continuations: Sequence[Continuation], token_budget: int) -> list[float]:
    values = np.zeros(len(continuations))
    for batch in batches(continuations, token_budget, model.forward_cost):
        read = [continuations[member] for member in batch.members]
        values[batch.members] = model.log_likelihoods(read, token_budget, batch.shared)
    return [float(value) for value in values]


def _answers(
    pair: WordedPair, with_passage: Sequence[float], without_passage: Sequence[float]
) -> tuple[AnswerLikelihood, ...]:
    """Return the likelihoods of a pair's answers, from values in the order of its continuations."""
    lengths = np.array([[len(wording.answers[answer]) for wording in pair.wordings] for answer in pair.answers])
    scale = lengths[:, :1] / lengths
    means = [(np.reshape(values, lengths.shape) * scale).mean(axis=1) for values in (with_passage, without_passage)]
    return tuple(
        AnswerLikelihood(answer, int(tokens), float(reading), float(guess))
        for answer, tokens, reading, guess in zip(pair.answers, lengths[:, 0], *means, strict=True)
    )
