"""The command that compares two runs or more, in tables, in a report, or as a gate: diff."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.compare import tables
from workbench.cli.compare.tables import Results
from workbench.cli.options import Json, LeftOut, Relevance, Split
from workbench.cli.session import Session
from workbench.errors import NothingToDo
from workbench.evaluation.rank_similarity import NAMES
from workbench.steps.compare.compare_runs import compare_runs
from workbench.steps.compare.diff import diff
from workbench.steps.compare.filters import ComparedQuery, Filters, compared_queries, filtered
from workbench.steps.compare.rank_similarity import is_rank_similarity, rank_similarity
from workbench.store import Store, views

REGRESSION = 1  # exit code where --fail-on-regression finds one


def diff_command(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="A student that was evaluated; `bm25` is one too.")],
    after: Annotated[str, typer.Argument(help="Another one.")],
    more: Annotated[list[str] | None, typer.Argument(help="More of them, each compared with the first.")] = None,
    measure: Annotated[str, typer.Option(help="What to compare: nDCG@10, R@1, AP(rel=2), F1, EM, …")] = "nDCG@10",
    by: Annotated[
        str, typer.Option(help=f"What orders the queries: a measure, or {', '.join(NAMES)}, which need no qrels.")
    ] = "",
    split: Split = "test",
    only: Annotated[str, typer.Option(help="Only the queries that are worse, better, same or unseen in train.")] = "",
    words: Annotated[str, typer.Option(help="Only the queries with these words, or this id.")] = "",
    first_word: Annotated[str, typer.Option(help="Only the queries that begin with this word, such as who.")] = "",
    min_length: Annotated[int, typer.Option(min=0, help="Only the queries of at least so many words.")] = 0,
    max_length: Annotated[int, typer.Option(min=0, help="Only the queries of at most so many words; 0: any.")] = 0,
    tag: Annotated[str, typer.Option(help="Only the queries with this tag; `workbench info` lists them.")] = "",
    show: Annotated[int, typer.Option(min=0, help="How many of the most changed queries to print, at each end.")] = 5,
    html: Annotated[
        Path | None, typer.Option(help="Write a report to this file: it opens anywhere, offline.", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(min=0, help="How many queries the report opens side by side.")] = 20,
    teacher: Annotated[
        str, typer.Option(help="The teacher whose order the report shows, by name or its beginning.")
    ] = "",
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="End with 1 if the verdict on a student is worse.")
    ] = False,
    threshold: Annotated[
        float, typer.Option(min=0, help="How much worse is tolerated: more than this is a regression.")
    ] = 0.0,
    relevance: Relevance = None,
    without_relevant: LeftOut = None,
    json: Json = False,
) -> None:
    """Compare rankings query by query: which got better, which got worse, and how sure that is.

    The verdict is better or worse only where the 95 % interval of the difference excludes 0 and p is below 0.05. On
    --measure p is that of its own test; on the other measures p-values are adjusted for one another (Holm).
    """
    session: Session = context.obj
    store = session.store(relevance=relevance, without_relevant=without_relevant)
    filters = Filters(only, words, first_word, min_length, max_length, tag)
    names = before, after, *(more or ())
    with output.progress(session.reporter):
        results = _compare(store, names, by or measure, measure, split)
    if html:
        from workbench import report

        shown = report.Shown(filters, top, teacher=_teacher(store, teacher))
        document = report.page(store, report.Report(results.diff, results.rank_similarity, results.table), shown)
        output.note(f"report {report.write(html, document)}")
    session.message = " ".join(result.in_words for result in (results.diff, results.rank_similarity) if result)
    rows = filtered(compared_queries(results.diff, results.rank_similarity), filters)
    if filters.in_words:
        output.note(f"Queries listed: {len(rows):,}, those {filters.in_words}.")
    if json:
        output.as_json(_as_json(results, rows, session.message))
    else:
        tables.show(results, rows, show, session.message)
    if fail_on_regression:
        _gate(results, threshold)


def _compare(store: Store, names: Sequence[str], by: str, measure: str, split: str) -> Results:
    similarity = rank_similarity(store, names[0], names[1], by, split) if is_rank_similarity(by) else None
    measure = measure if similarity else by
    try:
        compared = diff(store, names[0], names[1], measure, split)
    except NothingToDo:
        if not similarity:
            raise
        return Results(None, similarity, None)
    if len(names) == 2:
        return Results(compared, similarity, None)
    return Results(compared, similarity, compare_runs(store, names, [measure], split))


def _teacher(store: Store, name: str) -> str | None:
    if name:
        return views.find_teacher(store, name)
    counts = [counts for counts in views.teachers(store) if counts.pairs]
    return max(counts, key=lambda counts: counts.pairs).teacher if counts else None


def _as_json(results: Results, rows: Sequence[ComparedQuery], summary: str) -> dict[str, object]:
    parts = {"diff": results.diff, "rank_similarity": results.rank_similarity, "table": results.table}
    return {
        "summary": summary,
        "shown": [row.query_id for row in rows],
        **{name: result for name, result in parts.items() if result},
    }


def _gate(results: Results, threshold: float) -> None:
    """End with 1 if a student is worse than the first by more than `threshold`."""
    if not results.diff:
        raise NothingToDo(
            "A regression shows only where queries are judged.", "Add qrels with `workbench ingest qrels`."
        )
    if results.table:
        regressions = [(row.student, row.comparison) for row in results.table.regressed(threshold)]
    else:
        regressions = [(results.diff.after, results.diff.comparison)] if results.diff.regressed(threshold) else []
    more_than = f" by more than {threshold:g}" if threshold else ""
    for student, comparison in regressions:
        output.note(f"Regression: {student} is worse{more_than} on {comparison.measure}: {comparison.evidence}.")
    if regressions:
        raise typer.Exit(REGRESSION)
