"""Read utilities: another definition of utility, computed from the likelihoods that a teacher left behind."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.errors import NothingToDo, UnknownName
from workbench.steps.teach.derived import DerivedUtilities
from workbench.store import Store, views
from workbench.store.derived import ANSWERS_TAKEN, DEFINITIONS, AnswersTaken, derive_reading
from workbench.store.views.scored.teacher_names import reading_name


@dataclass(frozen=True)
class Reading:
    """How a utility is read from the likelihoods of a query's reference answers.

    `definition`: "mean", the reduction of log-perplexity in nats per token; "sum", the gain in log-likelihood in nats;
    "perplexity", the reduction of perplexity; "relative", the same as a share of the perplexity without the passage.
    `answers`: the "best" utility over the answers, their "mean", or that of "all" answers together as one text.
    """

    definition: str = "mean"
    answers: AnswersTaken = "best"

    def __post_init__(self) -> None:
        if self.definition not in DEFINITIONS:
            raise UnknownName("definition of utility", self.definition, list(DEFINITIONS))
        if self.answers not in ANSWERS_TAKEN:
            raise UnknownName("way to take several answers", self.answers, list(ANSWERS_TAKEN))

    def name(self, teacher: str) -> str:
        """Return the name of the teacher that has these utilities."""
        return reading_name(teacher, self.definition, self.answers)


def read_utilities(store: Store, teacher: str = "", reading: Reading | None = None) -> DerivedUtilities:
    """Give a teacher's likelihoods another reading, as utilities of a teacher of its own; no model is asked.

    Everything that takes a teacher takes this one. Called again after more was scored, it adds what is missing.

    Parameters
    ----------
    store : Store
        The workspace.
    teacher : str
        A teacher that measures likelihoods, by name or its beginning; the only one unless given.
    reading : Reading, optional
        The definition of utility, and how several reference answers are taken; nats per token of the best answer
        unless given.

    Returns
    -------
    DerivedUtilities
        The name of the reading, `teacher|definition:answers`, its unit, and how many pairs it has.

    Raises
    ------
    UnknownName
        There is no such teacher, definition or way to take the answers.
    NothingToDo
        The teacher has left no likelihoods.
    BadSetting
        Several teachers have names that begin so.

    Examples
    --------
    >>> result = wb.read_utilities(store, "toy", wb.Reading("sum"))
    >>> result.teacher, result.unit, result.pairs
    ('toy|sum:best', 'nats', 144)
    """
    chosen = reading or Reading()
    source = views.find_teacher(store, teacher)
    name, unit = chosen.name(source), DEFINITIONS[chosen.definition].unit
    counts = derive_reading(store, source, name, chosen.definition, chosen.answers)
    if not counts.pairs + counts.not_finite:
        raise NothingToDo(
            f"{source} has left no likelihoods of answers.",
            "Readings are of a teacher that measures them, such as `workbench score --teacher likelihood`.",
        )
    return DerivedUtilities.of(name, unit, [source], counts, {})
