"""Over which passages a teacher and students are compared, and the temperatures of their softmaxes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.evaluation.teacher_agreement import STUDENT_TEMPERATURE, Temperatures
from workbench.store import Store, views

# query_id -> [(passage_id, value)], best first
Rankings = Mapping[str, Sequence[tuple[str, float]]]

COSINE = 1.001  # a similarity beyond it, up to rounding, is no cosine


@dataclass(frozen=True)
class AgreementSettings:
    """What utilities and similarities are divided by before their softmax, and how many queries are measured.

    `teacher_temperature` None: the median spread of the teacher's utilities, as in training, on the train split if it
    was scored, else on the split that is asked about. Of more than `queries` an even sample is measured, the same one
    each time.
    """

    teacher_temperature: float | None = None
    student_temperature: float = STUDENT_TEMPERATURE
    queries: int = views.MOST_QUERIES

    def __post_init__(self) -> None:
        views.must_measure_some(self.queries)


def pools_of(scored: Rankings, similarities: Sequence[Rankings]) -> tuple[dict[str, set[str]], Counter[str]]:
    """Return query_id -> the passages that all know, where agreement is defined; the other queries by reason."""
    pools: dict[str, set[str]] = {}
    undefined: Counter[str] = Counter()
    for query_id, ranked in scored.items():
        if any(query_id not in side for side in similarities):
            undefined["no ranking"] += 1
            continue
        utilities = dict(ranked)
        pool = utilities.keys() & set.intersection(*({name for name, _ in side[query_id]} for side in similarities))
        if len(pool) < 2:
            undefined["fewer than two passages"] += 1
        elif len({utilities[name] for name in pool}) < 2:
            undefined["equal utilities"] += 1
        else:
            pools[query_id] = pool
    return pools, undefined


def within(ranked: Sequence[tuple[str, float]], ids: set[str]) -> list[tuple[str, float]]:
    """Return a ranking's passages that are among `ids`."""
    return [(name, value) for name, value in ranked if name in ids]


def temperatures_of(store: Store, teacher: str, split: str, settings: AgreementSettings) -> Temperatures:
    """Return the temperatures asked for, or the spread of the teacher's utilities on train, else on the split."""
    temperatures = Temperatures(settings.teacher_temperature or 1.0, settings.student_temperature)
    if settings.teacher_temperature is not None:
        return replace(temperatures, teacher=settings.teacher_temperature)
    for name in ("train", split):
        if spread := views.median_spread(store, teacher, name):
            return replace(temperatures, teacher=spread, source=f"median spread on the {name} split")
    raise AssertionError("a query has a pool, so some utilities differ")


def no_cosines(side: Rankings) -> bool:
    """Return whether some similarity cannot be a cosine."""
    return any(abs(value) > COSINE for ranked in side.values() for _, value in ranked)
