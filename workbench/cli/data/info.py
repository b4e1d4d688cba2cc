"""The command that shows what a workspace holds: info."""

from __future__ import annotations

import typer

from workbench.cli import output
from workbench.cli.options import Json, LeftOut, Relevance
from workbench.cli.session import Session
from workbench.results import counted
from workbench.steps.data.workspace_settings import settings
from workbench.store import unusual_settings, views


def info_command(
    context: typer.Context, relevance: Relevance = None, without_relevant: LeftOut = None, json: Json = False
) -> None:
    """Show what the workspace holds: queries, passages, teachers, runs."""
    session: Session = context.obj
    store = session.store(relevance=relevance, without_relevant=without_relevant)
    counts, tags, teachers, runs = views.counts(store), views.tags(store), views.teachers(store), views.runs(store)
    current = settings(store)
    if json:
        contents = {"counts": counts, "tags": tags, "teachers": teachers, "runs": runs, "settings": current}
        return output.as_json({"workspace": store.path, **contents})
    output.line(
        f"{counted(counts.passages, 'passage')}, {counted(counts.queries, 'query')}, {counted(counts.qrels, 'qrel')}"
    )
    if unusual := unusual_settings(current):
        chosen = ", ".join(f"{name} is {value}" for name, value in unusual.items())
        output.line(f"Settings other than usual: {chosen} (`workbench settings` says what they mean)")
    if counts.passages_by_id or counts.queries_by_id:
        ids = f"{counted(counts.passages_by_id, 'passage')} and {counted(counts.queries_by_id, 'query')}"
        output.line(
            f"{ids} known by id only, from qrels or runs: measured and shown, never encoded, scored or trained on"
        )
    output.table(
        ("split", "queries", "with answers", "judged", "without relevant", "candidates", "known by id only"),
        counts.splits,
    )
    if tags:
        output.table(("tag", "queries", "judged", "without relevant"), tags)
    output.table(
        ("teacher", "unit", "queries", "pairs", "failures", "truncated", "helpful", "relevant first", "of judged"),
        teachers,
    )
    output.table(
        ("student", "split", "depth", "made"),
        [(run.label, run.split, run.depth, f"{run.created:%Y-%m-%d %H:%M}") for run in runs],
    )
