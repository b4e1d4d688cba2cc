"""Agreement of a teacher and a student on one query: the kinds of it, each with its meaning and its better end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import BadSetting
from workbench.evaluation.divergences import jensen_shannon, kl
from workbench.evaluation.rank_correlation import PERSISTENCE, Valued, kendall, rbo, spearman, tau_ap

STUDENT_TEMPERATURE = 0.05  # what a student is trained with, unless told otherwise


@dataclass(frozen=True)
class Temperatures:
    """What utilities and similarities are divided by before their softmax; `source` says where the first is from."""

    teacher: float
    student: float = STUDENT_TEMPERATURE
    source: str = "given"

    def __post_init__(self) -> None:
        for who, value in (("teacher", self.teacher), ("student", self.student)):
            if not 0 < value < float("inf"):
                raise BadSetting(f"The {who}'s temperature is {value:g}.", "Choose a number above 0.")

    @property
    def in_words(self) -> str:
        """Return both, and where the teacher's is from."""
        return f"temperatures: teacher {self.teacher:.3g} ({self.source}), student {self.student:g}"


class TeacherAgreementMeasure(NamedTuple):
    """A way to say how far a student agrees: what it means, whether more of it is closer, its unit, who measures it.

    `measure` is given the utilities, best first, the similarities of the same passages in the student's order, and
    the temperatures; it returns None where nothing can be said.
    """

    meaning: str
    closer_is_higher: bool
    unit: str
    measure: Callable[[Valued, Valued, Temperatures], float | None]


def _regret(taught: Valued, said: Valued) -> float:
    return taught[0][1] - dict(taught)[said[0][0]]


def _names(ranking: Valued) -> list[str]:
    return [name for name, _ in ranking]


TEACHER_AGREEMENTS: dict[str, TeacherAgreementMeasure] = {
    "KL": TeacherAgreementMeasure(
        "KL divergence of the student's softmax from the teacher's; 0 is the same",
        False,
        "nats",
        lambda taught, said, at: kl(taught, said, at.teacher, at.student),
    ),
    "JS": TeacherAgreementMeasure(
        "Jensen-Shannon divergence of both softmaxes; 0 is the same, 0.693 the most",
        False,
        "nats",
        lambda taught, said, at: jensen_shannon(taught, said, at.teacher, at.student),
    ),
    "Spearman": TeacherAgreementMeasure(
        "rank correlation; 1 is the same order, -1 turned round", True, "", lambda t, s, _: spearman(t, s)
    ),
    "Kendall": TeacherAgreementMeasure(
        "tau-b: pairs in the same order less pairs turned round, as a share", True, "", lambda t, s, _: kendall(t, s)
    ),
    "tauAP": TeacherAgreementMeasure(
        "AP rank correlation: the top of the student's order weighs most", True, "", lambda t, s, _: tau_ap(t, s)
    ),
    "RBO": TeacherAgreementMeasure(
        f"rank-biased overlap, p = {PERSISTENCE:g}, extrapolated; 1 is the same order",
        True,
        "",
        lambda taught, said, _: rbo(_names(taught), _names(said)),
    ),
    "top-1": TeacherAgreementMeasure(
        "share of the queries whose first passage is the teacher's best, or as useful",
        True,
        "",
        lambda taught, said, _: float(_regret(taught, said) == 0),
    ),
    "regret": TeacherAgreementMeasure(
        "best utility less that of the student's first passage",
        False,
        "the teacher's unit",
        lambda taught, said, _: _regret(taught, said),
    ),
}


def agreements(
    utilities: Mapping[str, float], similarities: Sequence[tuple[str, float]], temperatures: Temperatures
) -> dict[str, float | None]:
    """Return the value of every kind for one query; `similarities` are of the same passages, in the student's order.

    Raises ValueError where they are of others: a value that was never given is not made up. A kind is None where it
    cannot be said, and all are if there are fewer than two passages or they are all as useful.
    """
    if utilities.keys() != dict(similarities).keys():
        raise ValueError("Teacher and student must speak of the same passages.")
    if len(set(utilities.values())) < 2:
        return dict.fromkeys(TEACHER_AGREEMENTS)
    taught = sorted(utilities.items(), key=lambda pair: (-pair[1], pair[0]))
    return {name: kind.measure(taught, similarities, temperatures) for name, kind in TEACHER_AGREEMENTS.items()}
