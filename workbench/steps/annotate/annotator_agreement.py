"""Agreement of annotators: whether two people mean the same by "useful", and what is left to settle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from workbench.records import GRADES, Annotation
from workbench.store import Store, views
from workbench.store.views import ADJUDICATION

# From the worst to the best; who is unsure has not placed the pair between them.
ORDER = ("harmful", "useless", "useful")


class TwoAnnotators(NamedTuple):
    """Two annotators on the pairs that both are sure of: share of equal verdicts; Cohen's kappa, None if undefined."""

    first: str
    second: str
    pairs: int
    same: float
    kappa: float | None


@dataclass(frozen=True)
class AnnotatorAgreement:
    """How far the annotators agree: Krippendorff's alpha of verdicts and of grades, Cohen's kappa of each two.

    `pairs` have verdicts of two annotators or more who are sure, `disputed` of them differ, `settled` of those have an
    adjudicator's word. An alpha is None where it is undefined: nothing in common, or all the same.
    """

    annotators: tuple[str, ...]
    pairs: int
    nominal: float | None
    ordinal: float | None
    grades: float | None
    graded: int
    twos: tuple[TwoAnnotators, ...]
    disputed: int
    settled: int

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence."""
        if not self.pairs:
            return f"{len(self.annotators):,} annotators have no pair in common yet, so there is nothing to compare."
        if self.nominal is None:
            return f"All annotators say the same one thing of the {self.pairs:,} pairs they share: alpha is undefined."
        return (
            f"Krippendorff's alpha {self.nominal:.3f} (nominal) over {self.pairs:,} shared pairs of "
            f"{len(self.annotators):,} annotators; {self.disputed:,} disputed, {self.settled:,} of them settled."
        )


def annotator_agreement(store: Store) -> AnnotatorAgreement:
    """Compare the annotators' last verdicts pair by pair; who is unsure, or said nothing, is missing, not different.

    An adjudicator's word settles a pair and is not counted as another annotator's.
    """
    from workbench.evaluation.kappa import krippendorff_alpha

    said = [each for each in views.verdicts(store, latest=True) if each.rule != ADJUDICATION]
    sure = [each for each in said if each.verdict != "unsure"]
    by_pair: defaultdict[Hashable, list[Annotation]] = defaultdict(list)
    for each in sure:
        by_pair[each.query_id, each.passage_id].append(each)
    words = [[each.verdict for each in given] for given in by_pair.values()]
    grades = [[each.grade for each in given if each.grade is not None] for given in by_pair.values()]
    nominal, pairs = krippendorff_alpha(words, ORDER)
    ordinal, _ = krippendorff_alpha(words, ORDER, "ordinal")
    of_grades, graded = krippendorff_alpha(grades, GRADES, "ordinal")
    disputes = views.disputes(store)
    settled = sum(dispute.settled is not None for dispute in disputes)
    names = tuple(sorted({each.annotator for each in said}))
    return AnnotatorAgreement(names, pairs, nominal, ordinal, of_grades, graded, _twos(sure), len(disputes), settled)


def _twos(sure: list[Annotation]) -> tuple[TwoAnnotators, ...]:
    from workbench.evaluation.kappa import cohen_kappa

    by_name: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for each in sure:
        by_name[each.annotator][each.query_id, each.passage_id] = each.verdict
    found = []
    for first, second in combinations(sorted(by_name), 2):
        one, other = by_name[first], by_name[second]
        kappa, shared = cohen_kappa(one, other)
        if shared:
            same = sum(one[pair] == other[pair] for pair in one.keys() & other.keys()) / shared
            found.append(TwoAnnotators(first, second, shared, same, kappa))
    return tuple(found)
