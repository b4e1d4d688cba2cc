"""What `workbench diff` prints: measures, differences with their tests, and the queries that changed most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.cli import output
from workbench.evaluation.comparison import Comparison
from workbench.evaluation.measures import cutoff
from workbench.steps.compare.compare_runs import RunsComparison
from workbench.steps.compare.diff import Diff
from workbench.steps.compare.filters import ComparedQuery
from workbench.steps.compare.rank_similarity import RankSimilarityResult

DIFFERENCE = ("difference", "95 % interval", "p", "t-test", "p (Holm)", "")


class Results(NamedTuple):
    """A diff where there are qrels, a rank similarity if one orders the queries, a comparison of many runs."""

    diff: Diff | None
    rank_similarity: RankSimilarityResult | None
    table: RunsComparison | None


def show(results: Results, rows: Sequence[ComparedQuery], most: int, summary: str) -> None:
    """Print the summary, the measures, and of `rows` the `most` changed queries at each end."""
    output.line(summary)
    _warn(results)
    if results.diff:
        _measures(results.diff)
    if results.table:
        output.table(
            ("student", "measure", *DIFFERENCE),
            [(row.student, row.comparison.measure, *_difference(row.comparison)) for row in results.table.against],
            title=f"\nAgainst {results.table.baseline}",
        )
        if results.table.against_unseen and results.table.unseen:
            output.table(
                ("student", "measure", *DIFFERENCE),
                [(row.student, row.comparison.measure, *_difference(row.comparison))
                 for row in results.table.against_unseen],
                title=f"\nOn the {results.table.unseen.unseen:,} queries not seen in train",
            )  # fmt: skip
    if results.rank_similarity:
        output.table(
            ("query", "text", results.rank_similarity.by, "change", ""),
            [(row.query_id, row.text, row.value, _change(row), row.in_words) for row in rows[: 2 * most]],
            title="\nMost different first",
        )
    else:
        _most_changed(rows, most)


def _measures(diff: Diff) -> None:
    output.table(
        ("measure", "before", "after", "judged"),
        [(row.measure, f"{row.before}", f"{row.after}", _judged(diff, row.measure)) for row in diff.comparisons],
    )
    output.table(
        ("measure", *DIFFERENCE),
        [(row.measure, *_difference(row)) for row in diff.comparisons],
        title="\nAfter against before",
    )
    if diff.unseen_comparisons and diff.unseen:
        output.table(
            ("measure", "before", "after", *DIFFERENCE),
            [(row.measure, f"{row.before}", f"{row.after}", *_difference(row)) for row in diff.unseen_comparisons],
            title=f"\nOn the {diff.unseen.unseen:,} queries not seen in train",
        )


def _most_changed(rows: Sequence[ComparedQuery], most: int) -> None:
    for title, direction in (("Got worse", "worse"), ("Got better", "better")):
        deltas = [row.delta for row in rows if row.delta and row.direction == direction][:most]
        if deltas:
            output.table(
                ("query", "text", "before", "after"),
                [(delta.query_id, delta.text, delta.before, delta.after) for delta in deltas],
                title=f"\n{title}",
            )


def _change(row: ComparedQuery) -> str:
    return f"{row.delta.change:+.3f}" if row.delta else "–"


def _difference(comparison: Comparison) -> tuple[str, ...]:
    difference = comparison.difference
    p_values = (comparison.p_value, comparison.t_p_value, comparison.adjusted_p)
    return (
        f"{difference.mean:+.3f}",
        f"{difference.low:+.3f} to {difference.high:+.3f}",
        *(f"{p_value:.4f}" for p_value in p_values),
        f"{comparison.verdict}{comparison.few}",
    )


def _judged(diff: Diff, measure: str) -> str:
    shares = diff.judged.get(measure)
    return f"{shares[0]:.0%} → {shares[1]:.0%} @{cutoff(measure)}" if shares else "–"


def _warn(results: Results) -> None:
    stale = next((result.stale for result in (results.diff, results.rank_similarity) if result), ())
    if stale:
        output.note(f"Stale: {', '.join(stale)} evaluated before passages or split changed; evaluate again.")
    if results.diff and results.diff.unanswered:
        output.note(f"{results.diff.unanswered:,} judged queries have no ranking in one of the runs; they count as 0.")
