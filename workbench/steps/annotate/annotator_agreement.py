"""Agreement of annotators: whether two people mean the same by "useful", and what is left to settle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, NamedTuple

from workbench.records import GRADES, Annotation
from workbench.results import Result
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
class AnnotatorAgreement(Result):
    """How far the annotators agree: Krippendorff's alpha of verdicts and of grades, Cohen's kappa of each two.

    `pairs` have verdicts of two annotators or more who are sure, `disputed` of them differ, `settled` of those have an
    adjudication. An alpha is None where it is undefined: nothing in common, or all the same. A row of the frame is two
    annotators.
    """

    columns: ClassVar = {
        "first": "one annotator",
        "second": "another",
        "pairs": "pairs that both gave a verdict on and are sure of",
        "same": "share of equal verdicts",
        "kappa": "Cohen's kappa; none where it is undefined",
    }

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

    def table_rows(self) -> Iterable[TwoAnnotators]:
        """Return each two annotators who share a pair."""
        return self.twos


def annotator_agreement(store: Store) -> AnnotatorAgreement:
    """Measure how far annotators agree in their last verdicts, pair by pair.

    Who is unsure, or gave no verdict, is missing, not different. An adjudication settles a pair and is not counted as
    another annotator's verdict.

    Parameters
    ----------
    store : Store
        The workspace.

    Returns
    -------
    AnnotatorAgreement
        Krippendorff's alpha of verdicts and grades, and Cohen's kappa of each two annotators: the rows of its frame.

    Raises
    ------
    StoreBusy
        If another process does not release the database in time.

    Examples
    --------
    >>> for annotator in ("ada", "bob"):
    ...     rows = wb.annotate_all(store, [("test0", "p0-0"), ("test0", "p0-1")], "useful", annotator)
    >>> row = wb.annotate(store, "test0", "p1-0", "useless", "ada")
    >>> row = wb.annotate(store, "test0", "p1-0", "harmful", "bob")
    >>> agreement = wb.annotator_agreement(store)
    >>> agreement.pairs, agreement.disputed
    (3, 1)
    >>> agreement.to_frame()[["first", "second", "pairs"]].values.tolist()
    [['ada', 'bob', 3]]
    """
    from workbench.evaluation.kappa import krippendorff_alpha

    annotations = [row for row in views.verdicts(store, latest=True) if row.rule != ADJUDICATION]
    sure = [row for row in annotations if row.verdict != "unsure"]
    by_pair: defaultdict[Hashable, list[Annotation]] = defaultdict(list)
    for row in sure:
        by_pair[row.query_id, row.passage_id].append(row)
    verdicts = [[row.verdict for row in rows] for rows in by_pair.values()]
    grades = [[row.grade for row in rows if row.grade is not None] for rows in by_pair.values()]
    nominal, pairs = krippendorff_alpha(verdicts, ORDER)
    ordinal, _ = krippendorff_alpha(verdicts, ORDER, "ordinal")
    of_grades, graded = krippendorff_alpha(grades, GRADES, "ordinal")
    disputes = views.disputes(store)
    settled = sum(dispute.settled is not None for dispute in disputes)
    names = tuple(sorted({row.annotator for row in annotations}))
    return AnnotatorAgreement(names, pairs, nominal, ordinal, of_grades, graded, _twos(sure), len(disputes), settled)


def _twos(sure: list[Annotation]) -> tuple[TwoAnnotators, ...]:
    from workbench.evaluation.kappa import cohen_kappa

    by_name: defaultdict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for row in sure:
        by_name[row.annotator][row.query_id, row.passage_id] = row.verdict
    agreements = []
    for first, second in combinations(sorted(by_name), 2):
        one, other = by_name[first], by_name[second]
        kappa, shared = cohen_kappa(one, other)
        if shared:
            same = sum(one[pair] == other[pair] for pair in one.keys() & other.keys()) / shared
            agreements.append(TwoAnnotators(first, second, shared, same, kappa))
    return tuple(agreements)
