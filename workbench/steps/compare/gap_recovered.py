"""The teacher's advantage: how much better its order is than an untaught student's, and the share that was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workbench.evaluation import measures
from workbench.evaluation.significance import Interval, intervals, ratios
from workbench.records import Qrel

USUAL = ("R@1", "AP", "nDCG@10")

# query_id -> [(passage_id, value)]
Rankings = Mapping[str, Sequence[tuple[str, float]]]


class GapRecovered(NamedTuple):
    """Three orders of the same passages on one measure, and the share of the teacher's advantage the student has.

    (student - before) / (teacher - before), of the means over the judged queries; more than 1 is better than the
    teacher, below 0 worse than before. None where the teacher's advantage could be chance.
    """

    measure: str
    before: Interval
    student: Interval
    teacher: Interval
    advantage: Interval
    share: Interval | None

    @property
    def share_in_words(self) -> str:
        """Return the share with its interval, or that there is none."""
        if self.share is None:
            return "no sure advantage"
        if self.share.high < 0:
            return "nothing, it fell behind"
        return f"{self.share.mean:.0%} ({self.share.low:.0%} to {self.share.high:.0%})"

    @property
    def in_words(self) -> str:
        """Return the finding as one sentence."""
        if self.share is None:
            return (
                f"The teacher's order has no sure advantage in {self.measure} ({self.advantage.mean:+.3f}, 95 % "
                f"interval {self.advantage.low:+.3f} to {self.advantage.high:+.3f}), so no share of it can be kept."
            )
        return (
            f"Of the teacher's advantage in {self.measure} it kept {self.share_in_words}, over "
            f"{self.advantage.n:,} judged queries."
        )


def gap_recovered(
    qrels: Sequence[Qrel], before: Rankings, student: Rankings, teacher: Rankings, names: Sequence[str] = USUAL
) -> tuple[GapRecovered, ...]:
    """Return the share kept by measure; all three rank the same passages of the same queries. None judged: none."""
    judged = [qrel for qrel in qrels if qrel.query_id in teacher]
    sides = [measures.per_query(names, judged, rankings) for rankings in (before, student, teacher)]
    found = []
    for name in names:
        if not sides[0][name]:
            continue
        low, middle, high = ([side[name][q] for q in sides[0][name]] for side in sides)
        advantage = [value - least for value, least in zip(high, low, strict=True)]
        gained = [value - least for value, least in zip(middle, low, strict=True)]
        base, after_it, best, ahead = intervals([low, middle, high, advantage])
        share = ratios([gained], [advantage])[0] if ahead.low > 0 else None
        found.append(GapRecovered(name, base, after_it, best, ahead, share))
    return tuple(found)
