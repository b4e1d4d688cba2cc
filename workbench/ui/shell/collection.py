"""Tables of what a collection holds: its splits, and the tags of its queries."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.steps.data.splits.leaks import Leaks
from workbench.store.views import SplitCounts, TagCounts
from workbench.ui.shell import components
from workbench.ui.shell.tables import counts


def splits(split_counts: Sequence[SplitCounts], leaks: Leaks) -> None:
    """Show how much of each split there is, and how much of it train has seen."""
    rows = [
        {
            "split": row.split or "(none)",
            "queries": row.queries,
            "with answers": row.with_answers,
            "judged": row.judged,
            "without relevant": row.without_relevant,
            "candidates": row.candidates,
            **({"known by id only": row.by_id} if any(one.by_id for one in split_counts) else {}),
        }
        for row in split_counts
    ]
    columns = counts("queries", "with answers", "judged", "without relevant", "candidates", "known by id only")
    components.table(rows, "splits", "Splits", **columns)
    if leaks.of:
        components.remark(leaks.in_words)


def tags(tag_counts: Sequence[TagCounts]) -> None:
    """Show which tags the queries have, and how many have each."""
    rows = [{name.replace("_", " "): cell for name, cell in row._asdict().items()} for row in tag_counts]
    if not any(row.without_relevant for row in tag_counts):
        rows = [{name: cell for name, cell in row.items() if name != "without relevant"} for row in rows]
    columns = counts("queries", "judged", "without relevant")
    components.table(rows, "tags", "Tags of queries", **columns)
