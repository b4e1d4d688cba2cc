"""The command that reads files into the workspace: ingest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.errors import BadSetting, WorkbenchError
from workbench.formats import Problem
from workbench.formats.run_folder import RunNames
from workbench.records import UNITS, Unit
from workbench.steps.data.formats import readable
from workbench.steps.data.ingest import ingest, is_large, keep
from workbench.steps.data.preview import Preview, preview
from workbench.steps.data.readers import IngestSettings, must_be_whole

SHOWN = 20  # problems printed before "and so many more"; --json has all


def ingest_command(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help=f"The format: {', '.join(readable())}.")],
    path: Annotated[
        Path,
        typer.Argument(help="A BEIR folder; a .jsonl, .csv, .tsv, .parquet, qrels or run file; or a folder of runs."),
    ],
    preview_only: Annotated[
        bool, typer.Option("--preview", help="Show what would be written, and write nothing.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Leave out lines that cannot be read, and list them.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Let new content replace old under the same id.")] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(help="What a table calls a column: `--column query=question`; `--column tags=`: none has them."),
    ] = None,
    relevance: Annotated[
        int | None,
        typer.Option(help="The relevance of a table's pairs, where it has no such column.", show_default=False),
    ] = None,
    teacher: Annotated[
        str,
        typer.Option(
            help="The teacher that the scores of a training file belong to: imported:NAME.", show_default=False
        ),
    ] = "",
    unit: Annotated[
        str, typer.Option(help=f"What those scores are measured in, where the file does not say: {', '.join(UNITS)}.")
    ] = "unknown",
    annotator: Annotated[
        str, typer.Option(help="The annotator, where a file names none; makes annotations of Quepid's ratings.")
    ] = "",
    split: Annotated[
        str,
        typer.Option(help="The split of queries new to the workspace, where the files name none.", show_default=False),
    ] = "",
    run_names: Annotated[str, typer.Option(help="What names a run: the tag in it, or its file.")] = "tag",
    json: Json = False,
) -> None:
    """Read files into the workspace; the same files twice change nothing.

    Everything is read and checked first: a line that cannot be read stops it, with its number, before
    anything is written. What `workbench export` wrote comes back under the same name of the format.
    """
    session: Session = context.obj
    columns = dict(_column(assignment) for assignment in column or [])
    settings = IngestSettings(
        columns, relevance, skip_bad, replace, teacher, cast(Unit, unit), annotator, split, cast(RunNames, run_names)
    )
    store = session.store() if (session.workspace / "workbench.duckdb").exists() else None
    if preview_only:
        with output.progress(session.reporter) as listen:
            previewed = preview(kind, path, settings, store=store, listen=listen)
        return output.as_json(_preview_as_json(previewed)) if json else _print_preview(previewed)
    with output.progress(session.reporter) as listen:
        if store:
            ingested = ingest(store, kind, path, settings, listen)
        elif is_large(kind, path):
            store = session.store(create=True)
            try:
                ingested = ingest(store, kind, path, settings, listen)
            except WorkbenchError:
                store.database.unlink(missing_ok=True)  # nothing is in it
                raise
        else:
            previewed = preview(kind, path, settings, listen=listen)
            must_be_whole(previewed.problems, settings)  # before a first ingest makes the workspace
            store = session.store(create=True)
            ingested = keep(store, previewed, settings, listen)
    _print_problems(ingested.skipped, "Skipped")
    _print_problems(ingested.refused, "Not added")
    session.finish(ingested, ingested.in_words, json)
    if ingested.refused:
        raise typer.Exit(1)
    session.suggest_next(store)


def _column(assignment: str) -> tuple[str, str]:
    name, separator, header = assignment.partition("=")
    if not (name and separator):
        raise BadSetting(f"--column {assignment!r} is not NAME=COLUMN.", "Example: --column query=question")
    return name, header


def _preview_as_json(previewed: Preview) -> dict[str, object]:
    return {
        "kind": previewed.kind, "source": previewed.source, "counts": previewed.counts, "problems": previewed.problems,
        "queries_by_id": previewed.queries_by_id, "passages_by_id": previewed.passages_by_id,
    }  # fmt: skip


def _print_preview(previewed: Preview) -> None:
    output.line(previewed.in_words)
    output.table(
        ("query", "text", "answers", "split", "tags"), [_short(row) for row in previewed.collection.queries[:3]]
    )
    output.table(("passage", "title", "text"), [_short(row[:3]) for row in previewed.collection.passages[:3]])
    _print_problems(previewed.problems, "Problem")
    output.note("Nothing was written.")


def _short(row: tuple[object, ...]) -> list[str]:
    return [
        text if len(text := "; ".join(cell) if isinstance(cell, tuple) else str(cell)) < 70 else text[:69] + "…"
        for cell in row
    ]


def _print_problems(problems: tuple[Problem, ...], word: str) -> None:
    for problem in problems[:SHOWN]:
        where = f"{problem.file}, line {problem.line}" if problem.line else problem.file
        output.note(f"{word}: {where}: {problem.what}")
    if len(problems) > SHOWN:
        output.note(f"… and {len(problems) - SHOWN:,} more; --json lists all of them.")
