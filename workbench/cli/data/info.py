"""The command that shows what a workspace holds: info."""

from __future__ import annotations

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.store import views


def info_command(context: typer.Context, json: Json = False) -> None:
    """Show what the workspace holds: queries, passages, teachers, runs."""
    session: Session = context.obj
    store = session.store()
    counts, tags, teachers, runs = views.counts(store), views.tags(store), views.teachers(store), views.runs(store)
    if json:
        return output.as_json(
            {"workspace": store.path, "counts": counts, "tags": tags, "teachers": teachers, "runs": runs}
        )
    output.line(f"{counts.passages:,} passages, {counts.queries:,} queries, {counts.qrels:,} qrels")
    output.table(("split", "queries", "with answers", "judged", "candidates"), counts.splits)
    if tags:
        output.table(("tag", "queries", "judged"), tags)
    output.table(
        ("teacher", "unit", "queries", "pairs", "failures", "truncated", "helpful", "relevant first", "of judged"),
        teachers,
    )
    output.table(
        ("student", "split", "depth", "made"),
        [(run.student, run.split, run.depth, f"{run.created:%Y-%m-%d %H:%M}") for run in runs],
    )
