"""The command that reads files into the workspace: ingest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.formats import Problem
from workbench.records import UNITS, Unit
from workbench.steps.data.ingest import FORMATS, Ingested, IngestSettings, Preview, keep, must_be_whole, preview

SHOWN = 20  # problems printed before "and so many more"; --json has all


def ingest_command(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help=f"The format: {', '.join(FORMATS)}.")],
    path: Annotated[Path, typer.Argument(help="A BEIR folder; or a .jsonl, .csv, .tsv, .parquet, qrels or run file.")],
    preview_only: Annotated[
        bool, typer.Option("--preview", help="Show what would be written, and write nothing.")
    ] = False,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Leave out lines that cannot be read, and list them.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Let new content replace old under the same id.")] = False,
    column: Annotated[list[str] | None, typer.Option(help="A table's own spelling: `--column query=question`.")] = None,
    relevance: Annotated[
        int | None, typer.Option(help="The relevance of a table's pairs, where no column says it.", show_default=False)
    ] = None,
    teacher: Annotated[
        str, typer.Option(help="Whose the scores of a training file are to be: imported:NAME.", show_default=False)
    ] = "",
    unit: Annotated[
        str, typer.Option(help=f"What those scores are measured in, where the file does not say: {', '.join(UNITS)}.")
    ] = "unknown",
    annotator: Annotated[
        str, typer.Option(help="Who judged, where a file does not say; makes annotations of Quepid's ratings.")
    ] = "",
    json: Json = False,
) -> None:
    """Read files into the workspace; the same files twice change nothing.

    Everything is read and checked first: a line that cannot be read stops it, with its number, before
    anything is written. What `workbench export` wrote comes back under the same name of the format.
    """
    session: Session = context.obj
    columns = dict(_pair(given) for given in column or [])
    settings = IngestSettings(columns, relevance, skip_bad, replace, teacher, cast(Unit, unit), annotator)
    store = session.store() if (session.workspace / "workbench.duckdb").exists() else None
    seen = preview(kind, path, settings, store=store)
    if preview_only:
        return output.as_json(_preview_result(seen)) if json else _say_preview(seen)
    must_be_whole(seen, settings)  # before a first ingest makes the workspace
    done = keep(store or session.store(create=True), seen, settings)
    _list_problems(done.skipped, "Skipped")
    session.tell(done, _ingested(done), json)


def _pair(given: str) -> tuple[str, str]:
    name, _, spelled = given.partition("=")
    if not spelled:
        raise BadSetting(f"--column {given!r} is not NAME=COLUMN.", "Example: --column query=question")
    return name, spelled


def _preview_result(seen: Preview) -> dict[str, object]:
    return {"kind": seen.kind, "source": seen.source, "counts": seen.counts, "problems": seen.problems}


def _say_preview(seen: Preview) -> None:
    counted = ", ".join(f"{count:,} {name}" for name, count in seen.counts.items())
    output.say(f"{seen.source}: {counted}, {seen.found.duplicates:,} duplicates, {len(seen.problems):,} problems")
    output.table(("query", "text", "answers", "split", "tags"), [_short(row) for row in seen.found.queries[:3]])
    output.table(("passage", "title", "text"), [_short(row) for row in seen.found.passages[:3]])
    _list_problems(seen.problems, "Problem")
    output.note("Nothing was written.")


def _short(row: tuple[object, ...]) -> list[str]:
    return [
        text if len(text := "; ".join(cell) if isinstance(cell, tuple) else str(cell)) < 70 else text[:69] + "…"
        for cell in row
    ]


def _list_problems(problems: tuple[Problem, ...], word: str) -> None:
    for problem in problems[:SHOWN]:
        where = f"{problem.file}, line {problem.line}" if problem.line else problem.file
        output.note(f"{word}: {where}: {problem.what}")
    if len(problems) > SHOWN:
        output.note(f"… and {len(problems) - SHOWN:,} more; --json lists all of them.")


def _ingested(done: Ingested) -> str:
    if done.kind == "run":
        return f"{done.hits:,} hits from {done.source}; {len(done.skipped):,} lines skipped."
    if seen := [f"{count:,} {name}" for name in ("annotations", "utilities") if (count := getattr(done, name))]:
        instead = f", {done.added.replaced:,} in place of others" if done.added.replaced else ""
        return f"{' and '.join(seen)} added from {done.source}{instead}; {done.duplicates:,} were there already."
    added = done.added
    tagged = f"{added.tagged:,} queries given tags, " if added.tagged else ""
    return (
        f"{added.queries:,} queries, {added.passages:,} passages and {added.qrels:,} qrels added from {done.source}; "
        f"{added.unchanged:,} rows were there already, {added.replaced:,} replaced, {tagged}"
        f"{done.duplicates:,} repeated in the files, {len(done.skipped):,} lines skipped."
    )
