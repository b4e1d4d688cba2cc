"""The command that compares: diff, of two runs or many, on a screen, in a file, or as a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, Split
from workbench.cli.session import Session
from workbench.errors import NothingToDo
from workbench.evaluation import NAMES
from workbench.evaluation.comparison import Comparison
from workbench.steps.compare.compare_runs import Against, RunsComparison, adjusted_together, compare_runs
from workbench.steps.compare.coverage import cutoff
from workbench.steps.compare.diff import Diff, diff
from workbench.steps.compare.filters import ComparedQuery, Filters, compared_queries, filtered
from workbench.steps.compare.rank_similarity import RankSimilarityResult, is_rank_similarity, rank_similarity
from workbench.store import Store, views

REGRESSION = 1  # exit code where --fail-on-regression finds one


@dataclass(frozen=True)
class _Found:
    """A diff where there are qrels, a rank similarity if one orders the queries, a comparison of many runs."""

    diff: Diff | None
    rank_similarity: RankSimilarityResult | None
    table: RunsComparison | None


def diff_command(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="A student that was evaluated; `bm25` is one too.")],
    after: Annotated[str, typer.Argument(help="Another one.")],
    more: Annotated[list[str] | None, typer.Argument(help="More of them, each held against the first.")] = None,
    measure: Annotated[str, typer.Option(help="What to compare: nDCG@10, R@1, AP(rel=2), P@5, …")] = "nDCG@10",
    by: Annotated[
        str, typer.Option(help=f"What orders the queries: a measure, or {', '.join(NAMES)}, which need no qrels.")
    ] = "",
    split: Split = "test",
    only: Annotated[str, typer.Option(help="Only the queries that are worse, better or the same.")] = "",
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
    teacher: Annotated[str, typer.Option(help="Whose order the report shows, by name or its beginning.")] = "",
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="End with 1 if a student is worse than the first: the verdict.")
    ] = False,
    threshold: Annotated[
        float,
        typer.Option(min=0, help="How much worse is borne: more than this is a regression."),
    ] = 0.0,
    json: Json = False,
) -> None:
    """Compare rankings query by query: who won, who lost, and how sure that is.

    Better or worse is said only where the 95 % interval excludes 0 and the Holm-adjusted p-value is below 0.05.
    """
    session: Session = context.obj
    store = session.store()
    filters = Filters(only, words, first_word, min_length, max_length, tag)
    names = before, after, *(more or ())
    found = _compared(store, names, by or measure, measure, split)
    if html:
        from workbench import report

        shown = report.Shown(filters, top, teacher=_teacher(store, teacher))
        document = report.page(store, report.Report(found.diff, found.rank_similarity, found.table), shown)
        output.note(f"report {report.write(html, document)}")
    session.message = " ".join(each.in_words for each in (found.diff, found.rank_similarity) if each)
    rows = filtered(compared_queries(found.diff, found.rank_similarity), filters)
    if filters.in_words:
        output.note(f"Queries listed: {len(rows):,}, those {filters.in_words}.")
    if json:
        output.as_json(_as_json(found, rows, session.message))
    else:
        _print(found, rows, show, session.message)
    if fail_on_regression:
        _gate(found, threshold)


def _compared(store: Store, names: Sequence[str], by: str, measure: str, split: str) -> _Found:
    contrasted = rank_similarity(store, names[0], names[1], by, split) if is_rank_similarity(by) else None
    measure = measure if contrasted else by
    try:
        compared = diff(store, names[0], names[1], measure, split)
    except NothingToDo:
        if not contrasted:
            raise
        return _Found(None, contrasted, None)
    if len(names) == 2:
        return _Found(compared, contrasted, None)
    runs = compare_runs(store, names, [measure], split)
    return _Found(adjusted_together(compared, runs), contrasted, runs)


def _teacher(store: Store, name: str) -> str | None:
    known = [found for found in views.teachers(store) if found.pairs]
    if not name and known:
        return max(known, key=lambda found: found.pairs).teacher
    return views.find_teacher(store, name) if name else None


def _as_json(found: _Found, rows: Sequence[ComparedQuery], summary: str) -> dict[str, object]:
    said = {"diff": found.diff, "rank_similarity": found.rank_similarity, "table": found.table}
    return {"summary": summary, "shown": [row.query_id for row in rows]} | {k: v for k, v in said.items() if v}


def _print(found: _Found, rows: Sequence[ComparedQuery], show: int, summary: str) -> None:
    output.say(summary)
    _warn(found)
    if found.diff:
        compared = found.diff.comparisons
        rows_of_means = [(c.measure, f"{c.before}", f"{c.after}", _judged(found.diff, c)) for c in compared]
        output.table(("measure", "before", "after", "judged"), rows_of_means)
        output.table(("measure", *SURE), [(c.measure, *_sure(c)) for c in compared], title="\nAfter against before")
    if found.table:
        output.table(
            ("student", "measure", *SURE),
            [(each.student, each.comparison.measure, *_sure(each.comparison)) for each in found.table.against],
            title=f"\nAgainst {found.table.baseline}",
        )
    if found.rank_similarity:
        different = [(row.query_id, row.text, row.value, _change(row), row.told) for row in rows[: 2 * show]]
        output.table(
            ("query", "text", found.rank_similarity.by, "change", ""), different, title="\nMost different first"
        )
    else:
        _ends(rows, show)


def _ends(rows: Sequence[ComparedQuery], show: int) -> None:
    for title, way in (("Got worse", "worse"), ("Got better", "better")):
        moved = [row.delta for row in rows if row.delta and row.direction == way][:show]
        if moved:
            output.table(
                ("query", "text", "before", "after"),
                [(delta.query_id, delta.text, delta.before, delta.after) for delta in moved],
                title=f"\n{title}",
            )


def _change(row: ComparedQuery) -> str:
    return f"{row.delta.change:+.3f}" if row.delta else "–"


SURE = ("difference", "95 % interval", "p", "t-test", "p (Holm)", "")


def _sure(found: Comparison) -> tuple[str, ...]:
    by = found.difference
    p = (f"{value:.4f}" for value in (found.p_value, found.t_p_value, found.adjusted_p))
    return f"{by.mean:+.3f}", f"{by.low:+.3f} to {by.high:+.3f}", *p, f"{found.verdict}{found.few}"


def _judged(found: Diff, comparison: Comparison) -> str:
    shares = found.judged.get(comparison.measure)
    return f"{shares[0]:.0%} → {shares[1]:.0%} @{cutoff(comparison.measure)}" if shares else "–"


def _warn(found: _Found) -> None:
    stale = found.diff.stale if found.diff else found.rank_similarity.stale if found.rank_similarity else ()
    if stale:
        output.note(f"Stale: {', '.join(stale)} searched other passages than there are now; evaluate again.")
    if found.diff and found.diff.unanswered:
        output.note(f"{found.diff.unanswered:,} judged queries have no ranking in one of the runs; they count as 0.")


def _gate(found: _Found, threshold: float) -> None:
    """End with 1 if a student is worse than the first by more than `threshold`."""
    if not found.diff:
        raise NothingToDo(
            "A regression shows only where queries are judged.", "Add qrels with `workbench ingest qrels`."
        )
    if found.table:
        worse = found.table.regressed(threshold)
    else:
        worse = [Against(found.diff.after, found.diff.comparison)] if found.diff.regressed(threshold) else []
    more_than = f" by more than {threshold:g}" if threshold else ""
    for student, comparison in worse:
        output.note(f"Regression: {student} is worse{more_than} on {comparison.measure}: {comparison.evidence}.")
    if worse:
        raise typer.Exit(REGRESSION)
