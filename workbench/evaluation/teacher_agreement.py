"""Measures of agreement of a teacher and a student on one query, each with its meaning and its better end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import NamedTuple

import numpy as np

from workbench.errors import BadSetting
from workbench.evaluation import pools
from workbench.evaluation.pools import Floats, Pools
from workbench.evaluation.rank_correlation import PERSISTENCE, Valued

STUDENT_TEMPERATURE = 0.05  # what a student is trained with by default


@dataclass(frozen=True)
class Temperatures:
    """What utilities and similarities are divided by before their softmax; `source` says where the first is from."""

    teacher: float
    student: float = STUDENT_TEMPERATURE
    source: str = "given"

    def __post_init__(self) -> None:
        for name, value in (("teacher", self.teacher), ("student", self.student)):
            if not 0 < value < float("inf"):
                raise BadSetting(f"The {name}'s temperature is {value:g}.", "Choose a number above 0.")

    @property
    def in_words(self) -> str:
        """Return both, and where the teacher's is from."""
        return f"temperatures: teacher {self.teacher:.3g} ({self.source}), student {self.student:g}"


class TeacherAgreementMeasure(NamedTuple):
    """A measure of agreement: what it means, whether a higher value is closer, its unit, and its function.

    `measure` is given the utilities and similarities of many queries, and the temperatures; it returns a value for
    each query, nan where it is undefined. A `unit` of "" is none.
    """

    meaning: str
    higher_is_closer: bool
    unit: str
    measure: Callable[[Pools, Temperatures], Floats]


TEACHER_AGREEMENTS: dict[str, TeacherAgreementMeasure] = {
    "KL": TeacherAgreementMeasure(
        "KL divergence of the student's softmax from the teacher's; 0 is the same",
        False,
        "nats",
        lambda both, at: pools.kl(both, at.teacher, at.student),
    ),
    "JS": TeacherAgreementMeasure(
        "Jensen-Shannon divergence of both softmaxes; 0 is the same, 0.693 the most",
        False,
        "nats",
        lambda both, at: pools.jensen_shannon(both, at.teacher, at.student),
    ),
    "Spearman": TeacherAgreementMeasure(
        "rank correlation; 1 is the same order, -1 the reverse", True, "", lambda both, _: pools.spearman(both)
    ),
    "Kendall": TeacherAgreementMeasure(
        "tau-b: pairs in the same order less pairs in reverse order, as a share",
        True,
        "",
        lambda both, _: pools.kendall(both),
    ),
    "tauAP": TeacherAgreementMeasure(
        "AP rank correlation: the top of the student's order weighs most", True, "", lambda both, _: pools.tau_ap(both)
    ),
    "RBO": TeacherAgreementMeasure(
        f"rank-biased overlap, p = {PERSISTENCE:g}, extrapolated; 1 is the same order",
        True,
        "",
        lambda both, _: pools.rbo(both),
    ),
    "top-1": TeacherAgreementMeasure(
        "share of the queries whose first passage is the teacher's best, or as useful",
        True,
        "",
        lambda both, _: (pools.regret(both) == 0).astype(np.float64),
    ),
    "regret": TeacherAgreementMeasure(
        "best utility less that of the student's first passage",
        False,
        "the teacher's unit",
        lambda both, _: pools.regret(both),
    ),
}


def agreements(
    utilities: Mapping[str, float], similarities: Valued, temperatures: Temperatures
) -> dict[str, float | None]:
    """Return the value of every measure for one query; see `agreements_of`."""
    return agreements_of([utilities], [similarities], temperatures)[0]


def agreements_of(
    utilities: Sequence[Mapping[str, float]],
    similarities: Sequence[Valued],
    temperatures: Temperatures,
    names: Collection[str] = tuple(TEACHER_AGREEMENTS),
) -> list[dict[str, float | None]]:
    """Return the value of every measure for each query; `similarities` are of its passages, by the student's rank.

    Raises ValueError where they are of others: a value that was never given is not made up. A measure is None where it
    is undefined, and all are if there are fewer than two passages or they are all as useful.
    """
    if any(one.keys() != dict(other).keys() for one, other in zip(utilities, similarities, strict=True)):
        raise ValueError("Utilities and similarities must be of the same passages.")
    defined = [row for row, one in enumerate(utilities) if len(set(one.values())) > 1]
    values: list[dict[str, float | None]] = [dict.fromkeys(names) for _ in utilities]
    whole = pools.pools([utilities[row] for row in defined], [similarities[row] for row in defined])
    start = 0
    for part in pools.parts(whole):
        for name in names:
            for row, value in enumerate(TEACHER_AGREEMENTS[name].measure(part, temperatures).tolist(), start):
                values[defined[row]][name] = None if isnan(value) else value
        start += len(part.present)
    return values
