"""Performance gap recovered: how much of the teacher's lead over the base a student has won."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from workbench.evaluation import measures
from workbench.evaluation.comparison import FEW, adjusted, compare
from workbench.evaluation.significance import Interval, interval, ratios
from workbench.results import counted, frame
from workbench.steps.compare.run_measures import Judgements

if TYPE_CHECKING:
    import pandas as pd

USUAL = ("R@1", "AP", "nDCG@10")

# query_id -> [(passage_id, value)]
Rankings = Mapping[str, Sequence[tuple[str, float]]]


class GapRecovered(NamedTuple):
    """Three orders of the same passages on one measure, and the share of the teacher's lead that the student has won.

    `lead` is teacher - before. `share` is (student - before) / (teacher - before), of the means over the judged
    queries: more than 1 lies above the teacher, less than 0 below the student before. None unless the verdict on the
    teacher against the student before is better.
    """

    measure: str
    before: Interval
    student: Interval
    teacher: Interval
    lead: Interval
    share: Interval | None

    @property
    def share_in_words(self) -> str:
        """Return the share with its interval, or that there is none."""
        if self.share is None:
            return "no lead shown"
        return f"{self.share.mean:.0%} ({self.share.low:.0%} to {self.share.high:.0%})"

    @property
    def in_words(self) -> str:
        """Return the finding as one sentence."""
        if self.share is None:
            return (
                f"The teacher's order shows no lead in {self.measure} ({self.lead.mean:+.3f}, 95 % interval "
                f"{self.lead.low:+.3f} to {self.lead.high:+.3f}), so there is no gap to recover."
            )
        return (
            f"Performance gap recovered in {self.measure}: {self.share_in_words} of the teacher's lead, over "
            f"{'only ' if self.lead.n < FEW else ''}{counted(self.lead.n, 'judged query')}."
        )


COLUMNS = {
    "measure": "the measure",
    **{
        f"{name}{end}": f"{what}{limit}"
        for name, what in (
            ("before", "mean of the student before"),
            ("student", "mean of the student"),
            ("teacher", "mean of the teacher's order"),
            ("lead", "teacher - before"),
            ("share", "share of the lead that the student has won; missing where no lead is shown"),
        )
        for end, limit in (("", ""), ("_low", ", lower end of the 95 % interval"), ("_high", ", upper end"))
    },
    "queries": "number of judged queries",
}


def gap_frame(gaps: Iterable[GapRecovered]) -> pd.DataFrame:
    """Return the gaps as a pandas frame, a measure a row; COLUMNS says what each column holds."""
    rows = []
    for gap in gaps:
        spans = (gap.before, gap.student, gap.teacher, gap.lead, gap.share)
        limits = [(span.mean, span.low, span.high) if span else (None,) * 3 for span in spans]
        rows.append((gap.measure, *(value for three in limits for value in three), gap.lead.n))
    return frame(COLUMNS, rows)


def gap_recovered(
    judgements: Judgements, before: Rankings, student: Rankings, teacher: Rankings, names: Sequence[str] = USUAL
) -> tuple[GapRecovered, ...]:
    """Return the share recovered by measure, none if no query is judged; all three rank the same passages."""
    qrels, names = judgements.of_queries(teacher).qrels, judgements.names(names)
    sides = [
        measures.per_query(names, qrels, rankings, judgements.left_out_below) for rankings in (before, student, teacher)
    ]
    names = [name for name in names if sides[0][name]]
    before_values, student_values, teacher_values = (
        {name: list(side[name].values()) for name in names} for side in sides
    )
    leads = [compare(name, before_values[name], teacher_values[name]) for name in names]
    gaps = []
    for lead in adjusted(leads, next(iter(names), "")):
        after = student_values[lead.measure]
        gains = [value - base for value, base in zip(after, before_values[lead.measure], strict=True)]
        share = ratios([gains], [lead.differences])[0] if lead.verdict == "better" else None
        gaps.append(GapRecovered(lead.measure, lead.before, interval(after), lead.after, lead.difference, share))
    return tuple(gaps)
