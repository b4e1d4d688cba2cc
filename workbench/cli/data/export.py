"""The command that writes files for other programs: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, settings
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.steps.data.export import export
from workbench.steps.data.formats import writable

_KINDS = "; ".join(f"{name}: {form.about}" for name, form in writable().items())


def export_command(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help=f"{_KINDS}.")],
    path: Annotated[Path, typer.Argument(help="The file or folder to write; its ending decides the form.")],
    teacher: Annotated[
        str, typer.Option(help="Whose utilities, by name or its beginning; the only one, if there is one.")
    ] = "",
    student: Annotated[str, typer.Option(help="Whose run.")] = "",
    split: Annotated[
        str, typer.Option(help="train, dev or test; else train for training files, test for the others.")
    ] = "",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Any other setting: verdicts=false (the teacher alone), useful=0.2 and margin=0.1 (what is positive, "
            "how far below a negative lies), passages=8 (of each query), ids=true, history=true, licence=cc-by-sa-4.0.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write data to a file that other programs read, with a manifest beside it.

    In training files verdicts override the teacher's utilities; the manifest counts how often. Most files come
    back with `workbench ingest` under the same name of the format; docs/exports.md says which carry what.
    """
    session: Session = context.obj
    form = writable().get(kind)
    if form and "student" in form.settings and not student:
        raise BadSetting(f"A {kind} belongs to a student.", "Name it: --student NAME.")
    given = settings(option) | {"teacher": teacher, "student": student, "split": split}
    store = session.store()
    with output.progress(session.reporter):
        exported = export(store, kind, path, **given)
    session.finish(exported, exported.in_words, json)
