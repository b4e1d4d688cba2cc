"""The command with which people judge: annotate."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.records import Verdict
from workbench.steps.annotate.annotate import TAGS, annotate, undo
from workbench.store.views import ADJUDICATION

Annotator = Annotated[str, typer.Option(envvar="USER", help="Who judges.", show_default=False)]


def annotate_command(
    context: typer.Context,
    query_id: Annotated[str, typer.Argument(help="The query's id.", show_default=False)] = "",
    passage_id: Annotated[str, typer.Argument(help="The passage's id.", show_default=False)] = "",
    verdict: Annotated[
        str, typer.Argument(help=f"One of {', '.join(get_args(Verdict))}; or skipped.", show_default=False)
    ] = "",
    annotator: Annotator = "",
    note: Annotated[str, typer.Option(help="Why, in your own words.")] = "",
    grade: Annotated[
        int | None, typer.Option(help="0 does not help, 1 a little, 2 helps, 3 answers it.", show_default=False)
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help=f"Type of failure, as often as needed: {', '.join(TAGS)}, or your own.")
    ] = None,
    flag: Annotated[bool, typer.Option("--flag", help="Ask for another look.")] = False,
    adjudicate: Annotated[
        bool, typer.Option("--adjudicate", help="Settle what annotators disagree on: this verdict counts.")
    ] = False,
    undo_last: Annotated[
        bool, typer.Option("--undo", help="Take back your last verdict; alone, without ids and verdict.")
    ] = False,
    json: Json = False,
) -> None:
    """Record a verdict on how useful a passage is for a query. A later verdict follows it; none is overwritten."""
    session: Session = context.obj
    if undo_last:
        withdrawn = undo(session.store(), annotator)
        pairs = ", ".join(f"{row.passage_id} for {row.query_id}" for row in withdrawn[:3])
        more = f" and {len(withdrawn) - 3:,} more" if len(withdrawn) > 3 else ""
        return session.finish(withdrawn, f"{withdrawn[0].annotator}: taken back {pairs}{more}", json)
    if not (query_id and passage_id and verdict):
        raise BadSetting(
            "A verdict needs a query, a passage and one of the verdicts.", "workbench annotate QUERY PASSAGE useful"
        )
    annotation = annotate(
        session.store(), query_id, passage_id, verdict, annotator,  # type: ignore[arg-type]
        note=note, grade=grade, tags=tag or (), flagged=flag, rule=ADJUDICATION if adjudicate else "",
    )  # fmt: skip
    grade_text = "" if annotation.grade is None else f" (grade {annotation.grade})"
    message = (
        f"{annotation.annotator}: {annotation.passage_id} is {annotation.verdict}{grade_text} for {annotation.query_id}"
    )
    session.finish(annotation, message, json)
