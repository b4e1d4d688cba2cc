"""Whether the candidates that a training learns from are those of the student that it trains."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.commands import command, line
from workbench.store import Store, views
from workbench.store.views import ProposalCounts
from workbench.store.views.scored.teacher_names import IMPORTED, advice_to_fill
from workbench.students import BM25, is_same_model

# In a teacher's place: a student learns from the qrels alone.
QRELS = "qrels"


@dataclass(frozen=True)
class CandidateFit:
    """For how many of the train queries the student that is trained proposed candidates, all of them scored.

    A student's own nearest passages hold the mistakes that training is to mend; those of another student or of BM25
    hold others.
    """

    student: str
    teacher: str
    counts: ProposalCounts

    @property
    def fits(self) -> bool:
        """Return whether its candidates are there for every query."""
        return self.counts.scored == self.counts.queries

    @property
    def in_words(self) -> str:
        """Return what is missing and the commands that add it; "" where nothing is."""
        if self.fits:
            return ""
        queries, proposed, scored = self.counts
        propose = f"`{line(command('candidates', student=self.student, split='train'))}`"
        if proposed == queries:
            return (
                f"Of {queries - scored:,} of {queries:,} train queries not all candidates that {self.student} proposed "
                f"are scored: {advice_to_fill(self.teacher, 'train')}."
            )
        then = "" if self.teacher == QRELS else f", then {advice_to_fill(self.teacher, 'train')}"
        return (
            f"{queries - proposed:,} of {queries:,} train queries have no candidates that {self.student} proposed "
            f"itself, and its own mistakes are what it learns most from: run {propose}{then}."
        )


def candidate_fit(store: Store, student: str, teacher: str) -> CandidateFit:
    """Return whether a student's own candidates of the train split are there, and scored by a teacher.

    They are its own whatever path to its folder they were proposed by.
    """
    own = [source for source in views.candidate_sources(store, "train") if is_same_model(source, student)]
    if teacher == QRELS:
        return CandidateFit(student, teacher, views.proposals_judged(store, own, "train"))
    return CandidateFit(student, teacher, views.proposals_scored(store, own, teacher, "train"))


def fitting_students(store: Store) -> tuple[str, ...] | None:
    """Return the students that proposed candidates for every train query that has any; None where no query has."""
    if not (sources := views.candidate_sources(store, "train")):
        return None
    most = max(sources.values())
    no_student = (BM25, QRELS)
    return tuple(
        name
        for name, queries in sources.items()
        if queries == most and name not in no_student and not name.startswith(IMPORTED)
    )
