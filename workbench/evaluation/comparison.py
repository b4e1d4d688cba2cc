"""Two rankings of the same queries on a measure, and the one verdict whether the second is better.

Of one pair the primary measure, the one asked for, is tested alone, so that its verdict is the same wherever the pair
is shown. The other measures are secondary: their p-values are adjusted for one another (Holm). Where many are compared
with one baseline each pair keeps its own verdict; a choice among them rests on p-values adjusted for all (Holm).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.evaluation.significance import Interval, holm, intervals, randomisation_test, t_test
from workbench.results import frame

if TYPE_CHECKING:
    import pandas as pd

LEVEL = 0.05
FEW = 25  # below this number of queries, comparisons are unstable (Buckley and Voorhees 2000)

Verdict = Literal["better", "worse", "no difference shown"]
RULE = f"Better or worse: the 95 % interval of the difference excludes 0 and p is below {LEVEL:g}."
SECONDARY = "p (Holm): the measure asked for is tested alone, the secondary ones are adjusted for one another."
SELECTION = "Of many the best is flattered: choose by p (Holm), adjusted for all of them, or on dev."


@dataclass(frozen=True)
class Comparison:
    """Two rankings of the same queries on one measure; `difference` is after - before.

    `p_value` is the randomisation test's, `t_p_value` the paired t-test's. `adjusted_p` is the former, of a `secondary`
    measure Holm-adjusted over a `family` of so many. `differences` are those of the single queries. Every statement
    that one ranking is better is `verdict`, or derived from it.
    """

    measure: str
    before: Interval
    after: Interval
    difference: Interval
    p_value: float
    t_p_value: float = 1.0
    adjusted_p: float = 1.0
    family: int = 1
    secondary: bool = False
    higher_is_better: bool = True
    differences: tuple[float, ...] = field(default=(), repr=False)

    @property
    def verdict(self) -> Verdict:
        """Return "better" or "worse" if the interval excludes 0 and the adjusted p-value is below LEVEL."""
        excludes_0 = self.difference.low > 0 or self.difference.high < 0
        if not (excludes_0 and self.adjusted_p < LEVEL):
            return "no difference shown"
        return "better" if (self.difference.mean > 0) == self.higher_is_better else "worse"

    @property
    def in_words(self) -> str:
        """Return the verdict, and whether it rests on few queries."""
        words = self.verdict if self.verdict == "no difference shown" else f"{self.verdict} than before"
        return words + self.few

    @property
    def few(self) -> str:
        """Return a remark that there are few queries, to follow a verdict; "" if there are enough."""
        queries = "query" if self.difference.n == 1 else "queries"
        return f" (only {self.difference.n} {queries})" if self.difference.n < FEW else ""

    @property
    def p_in_words(self) -> str:
        """Return the p-value that the verdict rests on, and over how many secondary measures it was adjusted."""
        written = printed_p(self.adjusted_p)
        p = f"p {written}" if written.startswith("<") else f"p = {written}"
        return p if self.family == 1 else f"{p} (Holm, {self.family:,} secondary measures)"

    @property
    def evidence(self) -> str:
        """Return what the verdict rests on: the difference, its interval and the p-value."""
        by = self.difference
        return f"{by.mean:+.3f}, 95 % interval {by.low:+.3f} to {by.high:+.3f}, {self.p_in_words}"

    def shifted(self, threshold: float) -> Comparison:
        """Return the comparison with an `after` that is better by `threshold` on every query, not adjusted."""
        by = threshold if self.higher_is_better else -threshold
        differences = tuple(difference + by for difference in self.differences)
        p_value = randomisation_test(differences) if threshold else self.p_value
        return replace(
            self,
            after=self.after.shifted(by),
            difference=self.difference.shifted(by),
            differences=differences,
            p_value=p_value,
            t_p_value=t_test(differences) if threshold else self.t_p_value,
            adjusted_p=p_value,
            family=1,
        )


def printed_p(p_value: float) -> str:
    """Return a p-value as it is printed everywhere: three decimals, and "< 0.001" below."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def compare(measure: str, before: Sequence[float], after: Sequence[float]) -> Comparison:
    """Compare two rankings of the same queries, values in the same order."""
    return compare_all({measure: before}, {measure: after})[0]


def compare_all(
    before: Mapping[str, Sequence[float]],
    after: Mapping[str, Sequence[float]],
    lower_is_better: Container[str] = (),
) -> tuple[Comparison, ...]:
    """Compare two rankings of the same queries on several measures: measure -> values, all in the same order."""
    first: NDArray[np.float64] = np.array(list(before.values()), dtype=np.float64)
    second: NDArray[np.float64] = np.array([after[measure] for measure in before], dtype=np.float64)
    differences = second - first
    means, count = intervals(np.concatenate([first, second, differences])), len(before)
    comparisons = []
    for row, measure in enumerate(before):
        p_value = randomisation_test(differences[row])
        comparisons.append(
            Comparison(
                measure,
                *(means[row], means[count + row], means[2 * count + row]),
                p_value,
                t_test(differences[row]),
                adjusted_p=p_value,
                higher_is_better=measure not in lower_is_better,
                differences=tuple(differences[row].tolist()),
            )
        )
    return tuple(comparisons)


def adjusted(comparisons: Sequence[Comparison], primary: str) -> tuple[Comparison, ...]:
    """Return the comparisons of one pair: the primary measure alone, the secondary ones adjusted for one another."""
    secondary = [comparison.p_value for comparison in comparisons if comparison.measure != primary]
    p_values = iter(holm(secondary))
    return tuple(
        replace(comparison, adjusted_p=comparison.p_value, family=1, secondary=False)
        if comparison.measure == primary
        else replace(comparison, adjusted_p=next(p_values), family=len(secondary), secondary=True)
        for comparison in comparisons
    )


def selection_p_values(comparisons: Sequence[Comparison]) -> list[float]:
    """Return the p-values of pairs that share a baseline, adjusted for choosing one of them (Holm)."""
    return holm([comparison.p_value for comparison in comparisons])


def selection_in_words(comparisons: Sequence[Comparison], what: str) -> str:
    """Return how many verdicts stay when one of many is chosen by them, to follow a finding; "" of a single one."""
    if len(comparisons) < 2:
        return ""
    p_values = selection_p_values(comparisons)
    stay = [replace(one, adjusted_p=p) for one, p in zip(comparisons, p_values, strict=True)]
    return f" To choose among the {len(stay):,} {what}, adjusted for all of them (Holm): {verdict_counts(stay)}."


def verdict_counts(comparisons: Iterable[Comparison]) -> str:
    """Return how many comparisons have which verdict."""
    counts = Counter(comparison.verdict for comparison in comparisons).most_common()
    return ", ".join(f"{number:,} {verdict}" for verdict, number in counts)


def regressions(comparisons: Sequence[Comparison], primary: str, threshold: float = 0.0) -> list[bool]:
    """Return on which measures one pair is worse by more than `threshold`.

    That is the verdict "worse", by the same interval and the same test, of the differences moved by the threshold.
    With a threshold of 0 it is the verdict itself.
    """
    moved = adjusted([comparison.shifted(threshold) for comparison in comparisons], primary)
    return [comparison.verdict == "worse" for comparison in moved]


COLUMNS = {
    "measure": "the measure compared",
    "before": "mean before, over queries",
    "before_low": "lower end of its 95 % interval",
    "before_high": "upper end",
    "after": "mean after",
    "after_low": "lower end of its 95 % interval",
    "after_high": "upper end",
    "difference": "mean of after - before",
    "difference_low": "lower end of its 95 % interval",
    "difference_high": "upper end",
    "queries": "number of queries",
    "p_value": "p-value of the paired randomisation test",
    "t_p_value": "p-value of the paired t-test",
    "adjusted_p": "p_value; of a secondary measure Holm-adjusted over the family",
    "family": "number of measures it is adjusted over",
    "secondary": "whether another measure is the one asked for",
    "higher_is_better": "whether a higher value is a better one",
    "verdict": "better, worse or no difference shown",
}


def comparison_row(comparison: Comparison) -> tuple[object, ...]:
    """Return a comparison as a row of a frame, in the order of COLUMNS."""
    spans = (comparison.before, comparison.after, comparison.difference)
    return (
        comparison.measure,
        *(value for span in spans for value in (span.mean, span.low, span.high)),
        comparison.difference.n,
        comparison.p_value,
        comparison.t_p_value,
        comparison.adjusted_p,
        comparison.family,
        comparison.secondary,
        comparison.higher_is_better,
        comparison.verdict,
    )


def comparisons_frame(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """Return comparisons as a pandas frame, one a row; COLUMNS says what each column holds."""
    return frame(COLUMNS, map(comparison_row, comparisons))
