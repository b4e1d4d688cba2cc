"""Score time: how long a teacher will take for the pairs it has not scored, measured on some of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.progress import duration, rate_in_words
from workbench.results import Result
from workbench.steps.teach.scoring.score import must_have_candidates
from workbench.store import Store, views
from workbench.teachers import RemoteTeacher, Teacher, needs_answers

SECONDS = 3.0  # of measuring, or a batch where that takes longer
BATCH = 8  # queries scored between two looks at the clock
WARM_UP = 2  # queries whose time does not count: models are slower at first


@dataclass(frozen=True)
class ScoreTime(Result):
    """What scoring takes at the rate of `sampled` pairs; `rate` is None where nothing is missing."""

    columns: ClassVar = {
        "pairs": "pairs that are to be scored",
        "rate": "pairs a second",
        "seconds": "what all of them take",
        "sampled": "pairs that this was measured on",
    }
    teacher: str
    pairs: int
    rate: float | None
    seconds: float
    sampled: int

    @property
    def in_words(self) -> str:
        """Return the estimate in a sentence."""
        if self.rate is None:
            return f"{self.teacher} has scored every pair already."
        return (
            f"{self.pairs:,} pairs take {self.teacher} about {duration(self.seconds)}, at {rate_in_words(self.rate)} "
            f"as measured on {self.sampled:,} of them."
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row: the estimate."""
        return [[getattr(self, column) for column in self.columns]]


def score_time(store: Store, teacher: Teacher, split: str | None = None, limit: int | None = None) -> ScoreTime | None:
    """Measure how long `score` will take, by scoring some pairs for a few seconds; nothing of it is kept.

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

    Returns
    -------
    ScoreTime or None
        The estimate; None of a teacher that asks a server, which is not to be asked twice: see `score_estimate`.

    Raises
    ------
    NothingToDo
        If there are no queries of the split or no candidates.
    ModelUnavailable
        If the teacher's model cannot be had.

    Examples
    --------
    >>> wb.score_time(store, wb.teacher("lexical"), split="dev").pairs
    48
    """
    must_have_candidates(store, split)
    teacher.prepare(views.stream_passages(store))
    if isinstance(teacher, RemoteTeacher) and teacher.spent is not None:
        return None
    counts = dict(views.unscored(store, teacher.name, split, limit, with_answers=needs_answers(teacher)))
    pairs, query_ids = sum(counts.values()), list(counts)
    if not pairs:
        return ScoreTime(teacher.name, 0, None, 0.0, 0)
    step = max(1, len(query_ids) // 256)
    spread = query_ids[::step]
    if len(spread) > WARM_UP:
        _score(store, teacher, spread[:WARM_UP])
        spread = spread[WARM_UP:]
    sampled, begin, passed = 0, time.perf_counter(), 0.0
    for start in range(0, len(spread), BATCH):
        sampled += _score(store, teacher, spread[start : start + BATCH])
        if (passed := time.perf_counter() - begin) >= SECONDS:
            break
    rate = sampled / max(passed, 1e-9)
    return ScoreTime(teacher.name, pairs, rate, pairs / rate, sampled)


def _score(store: Store, teacher: Teacher, query_ids: Sequence[str]) -> int:
    """Score the missing pairs of some queries, and return how many those are."""
    return sum(len(batch) for batch in teacher.utilities(views.groups(store, teacher.name, query_ids)))
