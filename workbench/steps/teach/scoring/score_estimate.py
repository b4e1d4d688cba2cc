"""Score estimate: what a teacher that asks a server will ask for, before it does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.records import Status
from workbench.results import Result
from workbench.store import Store, views
from workbench.teachers import RemoteTeacher, Teacher, needs_answers

SAMPLED = 64  # queries whose prompts are counted, evenly spread; the others are taken to be like them


@dataclass(frozen=True)
class ScoreEstimate(Result):
    """What scoring takes if no request is sent twice; `cost` is in the currency of the prices, None without prices."""

    columns: ClassVar = {
        "pairs": "pairs that are to be scored",
        "requests": "requests to the server",
        "input_tokens": "tokens that the model reads",
        "output_tokens": "tokens that it writes at most",
        "cost": "what that costs, by the prices that were set",
        "sampled": "queries that this was counted from",
    }
    pairs: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost: float | None
    sampled: int

    @property
    def in_words(self) -> str:
        """Return the estimate in a sentence."""
        tokens = f"{self.input_tokens + self.output_tokens:,} tokens"
        cost = "" if self.cost is None else f", at a cost of about {self.cost:,.4g}"
        return f"{self.pairs:,} pairs take about {self.requests:,} requests and {tokens}{cost}."

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row: the estimate."""
        return [[getattr(self, column) for column in self.columns]]


def score_estimate(
    store: Store,
    teacher: Teacher,
    split: str | None = None,
    limit: int | None = None,
    retry: Collection[Status] = (),
) -> ScoreEstimate | None:
    """Estimate what `score` will ask a server for, in requests, tokens and money; nothing is sent.

    Parameters
    ----------
    store : Store
        The workspace.
    teacher : Teacher
        Who will give the utilities, as `wb.teacher` makes one.
    split : str, optional
        Only the candidates of this split's queries; of all unless given.
    limit : int, optional
        Only the first so many queries that can be scored, by id.
    retry : collection of str
        The statuses of failures that will be asked again, as in `score`.

    Returns
    -------
    ScoreEstimate or None
        The estimate; None of a teacher that asks no server.

    Raises
    ------
    ModelUnavailable
        If the teacher's tokenizer cannot be had.

    Examples
    --------
    >>> wb.score_estimate(store, wb.teacher("lexical")) is None
    True
    """
    if not isinstance(teacher, RemoteTeacher):
        return None
    teacher.prepare(views.stream_passages(store))
    if teacher.spent is None:
        return None
    with_answers = needs_answers(teacher)
    unscored = views.unscored(store, teacher.name, split, limit, with_answers=with_answers, retry=retry)
    counts = dict(unscored)
    step = max(1, len(counts) // SAMPLED)
    sample = list(counts)[::step][:SAMPLED]
    usage = teacher.estimate(views.groups(store, teacher.name, sample, retry=retry))
    if usage is None:
        return None
    pairs = sum(counts.values())
    share = pairs / (sum(counts[query_id] for query_id in sample) or 1)
    requests, read, written = (round(share * count) for count in usage[:3])
    cost = None if usage.cost is None else share * usage.cost
    return ScoreEstimate(pairs, requests, read, written, cost, len(sample))
