"""Leaks: how much of dev and test the train split has seen already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.results import Result
from workbench.steps.data.splits.near_duplicates import refresh_near_duplicates
from workbench.store import Store, views
from workbench.store.views import LeakCounts


@dataclass(frozen=True)
class Leaks(Result):
    """How many queries of each split but train are seen: they share a passage or a wording with a train query."""

    columns: ClassVar = {
        "split": "dev or test",
        "queries": "queries of the split",
        "judged": "queries with a relevant passage",
        "shared_passage": "queries with a passage that is relevant to a train query too",
        "near_passage": "queries with a near-duplicate of such a passage",
        "near_query": "queries whose text is a near-duplicate of a train query's",
        "seen": "queries with one of these",
        "unseen": "queries with none of these",
    }

    splits: tuple[LeakCounts, ...] = ()
    train_queries: int = 0

    @property
    def of(self) -> dict[str, LeakCounts]:
        """Return the splits that leak by name."""
        return {counts.split: counts for counts in self.splits if counts.seen}

    @property
    def in_words(self) -> str:
        """Return what leaks in a sentence for each split, or that nothing does."""
        if not self.train_queries:
            return "No query is of the train split, so none of dev or test can be seen in it."
        return " ".join(map(leak_in_words, self.of.values())) or "No query of dev or test is seen in train."

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each split."""
        return self.splits


def leaks(store: Store) -> Leaks:
    """Count the queries of dev and test that share a passage or a wording with train.

    A query is seen if a passage that is relevant to it is relevant to a train query too, or is a near-duplicate of
    one, or if its text is a near-duplicate of a train query's. Two texts are near-duplicates if more than four fifths
    of their word 3-grams are the same (Jaccard similarity); in texts of up to nine words, of their words.

    Parameters
    ----------
    store : Store
        The workspace.

    Returns
    -------
    Leaks
        For each split how many of its queries are seen, why, and how many are not.

    Raises
    ------
    StoreBusy
        Another program holds the workspace for too long.

    Examples
    --------
    >>> leaks = wb.leaks(store)
    >>> leaks.of["test"].shared_passage, leaks.of["test"].unseen
    (8, 0)
    >>> print(leaks.in_words.split(". ")[1])
    8 of 8 test queries are seen in train: 8 by a relevant passage in common; 0 are unseen.
    """
    refresh_near_duplicates(store)
    return known_leaks(store)


def known_leaks(store: Store) -> Leaks:
    """Count the same and write nothing: by the near-duplicates that the last ingest or split found."""
    return Leaks(tuple(views.leak_counts(store)), views.train_queries(store))


def leak_in_words(counts: LeakCounts) -> str:
    """Return how much of a split train has seen, and why, in a sentence."""
    reasons = (
        (counts.shared_passage, "by a relevant passage in common"),
        (counts.near_passage, "by a near-duplicate of one"),
        (counts.near_query, "by the wording of a query"),
    )
    listed = ", ".join(f"{number:,} {reason}" for number, reason in reasons if number)
    return (
        f"{counts.seen:,} of {counts.queries:,} {counts.split} queries are seen in train: {listed}; "
        f"{counts.unseen:,} are unseen."
    )
