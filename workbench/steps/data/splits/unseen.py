"""The unseen part of a split: its measured queries that share no passage and no wording with train."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from workbench import students
from workbench.evaluation.comparison import Comparison
from workbench.store import Store, views
from workbench.store.splits import split_moment


@dataclass(frozen=True)
class UnseenPart:
    """How many of the `measured` queries of a split train has seen; there is none where it has seen none.

    Measured are the judged ones, of a measure of answers the `answered` ones. `seen_ids` are those of the whole split.
    """

    split: str
    measured: int
    seen: int
    seen_ids: frozenset[str] = field(default=frozenset(), repr=False)
    answered: bool = False

    @property
    def unseen(self) -> int:
        """Return how many queries train has not seen."""
        return self.measured - self.seen

    @property
    def in_words(self) -> str:
        """Return how many queries are seen."""
        nothing_left = "" if self.unseen else ", so none is left to measure a gain on"
        measured = f"{self.measured:,} {'answered' if self.answered else 'judged'} {self.split}"
        queries, are = ("query", "is") if self.measured == 1 else ("queries", "are")
        return f"{self.seen:,} of {measured} {queries} {are} seen in train{nothing_left}"

    def followed_by(self, measures: str) -> str:
        """Return how many queries are seen, and what was measured on the others, if there are any."""
        return f"{self.in_words}: on the other {self.unseen:,} {measures}" if self.unseen else self.in_words

    def compared_in_words(self, comparison: Comparison | None) -> str:
        """Return how two runs compare on the queries that are not seen."""
        if not comparison:
            return self.in_words
        return self.followed_by(
            f"{comparison.measure} {comparison.before.mean:.3f} to {comparison.after.mean:.3f}, "
            f"{comparison.evidence}: {comparison.in_words}"
        )

    def only(self, values: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
        """Return measure -> query_id -> value without the queries that are seen."""
        return {
            measure: {query_id: value for query_id, value in of_query.items() if query_id not in self.seen_ids}
            for measure, of_query in values.items()
        }


def trained_before_split(store: Store) -> frozenset[str]:
    """Return the students trained before queries went from one split to another: maybe on what is tested now."""
    if not (moment := split_moment(store)):
        return frozenset()
    # Recipes hold their moment in this very form, older ones none.
    before = moment.isoformat(timespec="microseconds")
    trained = [student for student in students.trained(store.students) if "teacher" in student.recipe]
    return frozenset(student.name for student in trained if str(student.recipe.get("created", "")) < before)


def early_in_words(names: Collection[str]) -> str:
    """Return a warning of students that were trained before the last split, to follow a finding; "" without any."""
    listed = ", ".join(sorted(names))
    return f" Trained before the last split, maybe on what is tested now: {listed}. Train anew." if names else ""


def unseen_part(store: Store, split: str, measured: Collection[str], *, answered: bool = False) -> UnseenPart | None:
    """Return the unseen part of the measured queries of a split, judged or `answered`, None if it is all of them."""
    seen_ids = frozenset(views.seen_queries(store, split))
    seen = len(seen_ids.intersection(measured))
    return UnseenPart(split, len(measured), seen, seen_ids, answered) if seen else None
