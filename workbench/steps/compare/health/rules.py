"""When a teacher is fit to teach a student: rules with numbers, each a sentence where it does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from workbench.evaluation.comparison import Comparison
from workbench.evaluation.significance import Interval
from workbench.results import counted

Fitness = Literal["fit", "not fit", "not shown"]

MIN_QUERIES = 20  # below, every interval is too wide to tell
MAX_FAILED = 0.2  # share of the pairs asked about: what fails is seldom a random part
MAX_SATURATED = 0.5  # share of the queries in which more than half of the passages share the first place
MAX_BIAS = 0.5  # absolute rank correlation with one of BIASES
NOTED_BIAS = 0.3
LEAST_AUC = 0.55  # a teacher that knows nothing has 0.5
# What has nothing to do with usefulness, and how a sentence calls it.
BIASES = {
    "passage length": "the length of the passage",
    "position": "the place of the passage by id",
    "answer position": "where in the passage the answer stands",
}


def reasons_against(figures: Mapping[str, Interval], failed: float) -> tuple[str, ...]:
    """Return why a teacher is not fit to teach; `failed` is the share of pairs without a utility.

    Figures over fewer than MIN_QUERIES queries prove nothing.
    """
    figures = {name: figure for name, figure in figures.items() if figure.n >= MIN_QUERIES}
    reasons = []
    if failed > MAX_FAILED:
        reasons.append(f"{failed:.0%} of the pairs have no utility (at most {MAX_FAILED:.0%})")
    if (share := figures.get("saturated")) and share.mean > MAX_SATURATED:
        reasons.append(
            f"in {share.mean:.0%} of the queries more than half of the passages share the first place "
            f"(at most {MAX_SATURATED:.0%})"
        )
    for name, place in BIASES.items():
        if (bias := figures.get(name)) and (bias.low > MAX_BIAS or bias.high < -MAX_BIAS):
            reasons.append(f"its order follows {place}: rank correlation {bias} (at most {MAX_BIAS:g} either way)")
    if (auc := figures.get("AUC")) and auc.low <= LEAST_AUC:
        reasons.append(f"it hardly tells relevant passages from others: AUC {auc} (above {LEAST_AUC:g}; chance is 0.5)")
    return tuple(reasons)


def doubts(figures: Mapping[str, Interval], queries: int, lead: Comparison | None) -> tuple[str, ...]:
    """Return why it cannot be shown that a teacher is fit, where nothing speaks against it."""
    reasons = []
    if queries < MIN_QUERIES:
        reasons.append(f"it is measured on {counted(queries, 'query')} (at least {MIN_QUERIES})")
    if "AUC" not in figures:
        reasons.append("no scored query has both a relevant passage and another one, so nothing says what is right")
    elif lead and lead.verdict == "worse":
        # On SQuAD a student learned as much from utilities with three times their spread of noise as without it.
        reasons.append(
            f"it ranks the same passages worse than the student: {lead.measure} {lead.evidence}; noise averages "
            "out over many queries, what is systematically wrong does not"
        )
    elif lead and lead.verdict == "no difference shown":
        reasons.append(f"it is not shown to rank better than the student: {lead.measure} {lead.evidence}")
    return tuple(reasons)


def remarks(figures: Mapping[str, Interval]) -> tuple[str, ...]:
    """Return what to know of a teacher that does not decide whether it is fit."""
    noted = [
        f"Its order leans on {place}: rank correlation {bias}."
        for name, place in BIASES.items()
        if (bias := figures.get(name)) and NOTED_BIAS < abs(bias.mean) <= MAX_BIAS
    ]
    return tuple(noted)


def fitness(against: tuple[str, ...], doubtful: tuple[str, ...]) -> Fitness:
    """Return the verdict on a teacher."""
    return "not fit" if against else "not shown" if doubtful else "fit"
