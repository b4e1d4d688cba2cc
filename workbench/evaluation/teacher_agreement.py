"""Measures of agreement of a teacher and a student on one query, each with its meaning and its better end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import BadSetting
from workbench.evaluation.divergences import jensen_shannon, kl
from workbench.evaluation.rank_correlation import PERSISTENCE, Valued, kendall, rbo, spearman, tau_ap

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

    `measure` is given the utilities, best first, the similarities of the same passages in the student's order, and
    the temperatures; it returns None where it is undefined. A `unit` of "" is none.
    """

    meaning: str
    higher_is_closer: bool
    unit: str
    measure: Callable[[Valued, Valued, Temperatures], float | None]


def _regret(utilities: Valued, similarities: Valued) -> float:
    return utilities[0][1] - dict(utilities)[similarities[0][0]]


def _ids(ranking: Valued) -> list[str]:
    return [name for name, _ in ranking]


TEACHER_AGREEMENTS: dict[str, TeacherAgreementMeasure] = {
    "KL": TeacherAgreementMeasure(
        "KL divergence of the student's softmax from the teacher's; 0 is the same",
        False,
        "nats",
        lambda utilities, similarities, at: kl(utilities, similarities, at.teacher, at.student),
    ),
    "JS": TeacherAgreementMeasure(
        "Jensen-Shannon divergence of both softmaxes; 0 is the same, 0.693 the most",
        False,
        "nats",
        lambda utilities, similarities, at: jensen_shannon(utilities, similarities, at.teacher, at.student),
    ),
    "Spearman": TeacherAgreementMeasure(
        "rank correlation; 1 is the same order, -1 the reverse", True, "", lambda a, b, _: spearman(a, b)
    ),
    "Kendall": TeacherAgreementMeasure(
        "tau-b: pairs in the same order less pairs in reverse order, as a share",
        True,
        "",
        lambda a, b, _: kendall(a, b),
    ),
    "tauAP": TeacherAgreementMeasure(
        "AP rank correlation: the top of the student's order weighs most",
        True,
        "",
        lambda a, b, _: tau_ap(a, b),
    ),
    "RBO": TeacherAgreementMeasure(
        f"rank-biased overlap, p = {PERSISTENCE:g}, extrapolated; 1 is the same order",
        True,
        "",
        lambda utilities, similarities, _: rbo(_ids(utilities), _ids(similarities)),
    ),
    "top-1": TeacherAgreementMeasure(
        "share of the queries whose first passage is the teacher's best, or as useful",
        True,
        "",
        lambda utilities, similarities, _: float(_regret(utilities, similarities) == 0),
    ),
    "regret": TeacherAgreementMeasure(
        "best utility less that of the student's first passage",
        False,
        "the teacher's unit",
        lambda utilities, similarities, _: _regret(utilities, similarities),
    ),
}


def agreements(
    utilities: Mapping[str, float], similarities: Sequence[tuple[str, float]], temperatures: Temperatures
) -> dict[str, float | None]:
    """Return the value of every measure for one query; `similarities` are of the same passages, by the student's rank.

    Raises ValueError where they are of others: a value that was never given is not made up. A measure is None where it
    is undefined, and all are if there are fewer than two passages or they are all as useful.
    """
    if utilities.keys() != dict(similarities).keys():
        raise ValueError("Utilities and similarities must be of the same passages.")
    if len(set(utilities.values())) < 2:
        return dict.fromkeys(TEACHER_AGREEMENTS)
    ordered = sorted(utilities.items(), key=lambda pair: (-pair[1], pair[0]))
    return {name: one.measure(ordered, similarities, temperatures) for name, one in TEACHER_AGREEMENTS.items()}
