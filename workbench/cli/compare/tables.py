"""What `workbench diff` prints: measures, differences with their tests, and the queries that changed most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.cli import output
from workbench.evaluation.comparison import SECONDARY, Comparison, printed_p
from workbench.evaluation.measures import cutoff
from workbench.records import stale_in_words
from workbench.results import counted
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
    _warn(results, summary)
    if results.diff:
        _measures(results.diff)
    if results.table:
        _against(results.table)
    if results.rank_similarity:
        output.table(
            ("query", "text", results.rank_similarity.by, "change", ""),
            [(row.query_id, row.text, row.value, _change(row), row.in_words) for row in rows[: 2 * most]],
            title="\nMost different first",
        )
    else:
        _most_changed(rows, most)


def _against(runs: RunsComparison) -> None:
    tables = [(f"\nAgainst {runs.baseline}", runs.against)]
    if runs.against_unseen and runs.unseen:
        tables.append((f"\nOn the {counted(runs.unseen.unseen, 'query')} not seen in train", runs.against_unseen))
    for title, against in tables:
        output.table(
            ("student", "measure", *DIFFERENCE),
            [(row.student, row.comparison.measure, *_difference(row.comparison, row.selection_p)) for row in against],
            title=title,
        )
    output.line(runs.selection_in_words.strip())


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
    if any(row.secondary for row in diff.comparisons):
        output.note(SECONDARY)
    if diff.unseen_comparisons and diff.unseen:
        output.table(
            ("measure", "before", "after", *DIFFERENCE),
            [(row.measure, f"{row.before}", f"{row.after}", *_difference(row)) for row in diff.unseen_comparisons],
            title=f"\nOn the {counted(diff.unseen.unseen, 'query')} not seen in train",
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


def _difference(comparison: Comparison, selection_p: float | None = None) -> tuple[str, ...]:
    difference = comparison.difference
    holm = comparison.adjusted_p if selection_p is None else selection_p
    p_values = (comparison.p_value, comparison.t_p_value, holm)
    return (
        f"{difference.mean:+.3f}",
        f"{difference.low:+.3f} to {difference.high:+.3f}",
        *(printed_p(p_value) for p_value in p_values),
        f"{comparison.verdict}{comparison.few}",
    )


def _judged(diff: Diff, measure: str) -> str:
    shares = diff.judged.get(measure)
    return f"{shares[0]:.0%} → {shares[1]:.0%} @{cutoff(measure)}" if shares else "–"


def _warn(results: Results, summary: str) -> None:
    stale = next((result.stale for result in (results.diff, results.rank_similarity) if result), ())
    for student in stale:
        output.note(f"Stale: {stale_in_words(student)}")
    for sentence in dict.fromkeys(sentence for result in results if result for sentence in result.approximate):
        if sentence not in summary:
            output.note(sentence)
    if results.diff and results.diff.unanswered:
        output.note(
            f"No ranking in one of the runs for {counted(results.diff.unanswered, 'judged query')}, counted as 0."
        )
