"""The command that manages one student: student."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench import jobs
from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.steps.ship.manage_students import delete_student, dependents, describe_student, rename_student
from workbench.store import Store


def student_command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A student that was trained here.")],
    rename: Annotated[str, typer.Option(help="Its new name.")] = "",
    delete: Annotated[bool, typer.Option("--delete", help="Remove it and its runs, after asking.")] = False,
    note: Annotated[str | None, typer.Option(help="What you have to say of it.", show_default=False)] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by; several replace those it has.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it without asking.")] = False,
    json: Json = False,
) -> None:
    """Say what depends on a student; rename it, describe it, or remove it."""
    if delete and (rename or note is not None or tag):
        raise BadSetting("A student that is removed has no name, note or tags.", "Give --delete alone.")
    session: Session = context.obj
    store = session.store()
    if delete:
        return _delete(session, store, name, yes=yes, json=json)
    if note is not None or tag:
        describe_student(store, name, note, tag)
    if rename:
        jobs.must_not_be_running(store, name)
        name = rename_student(store, name, rename).name
    lasting = dependents(store, name)
    session.finish(lasting, f"{name}. If it were removed: {lasting.in_words}", json)


def _delete(session: Session, store: Store, name: str, *, yes: bool, json: bool) -> None:
    jobs.must_not_be_running(store, name)
    lost = dependents(store, name)
    output.note(lost.in_words)
    if not yes and not typer.confirm(f"Remove {name}?", default=False, err=True):
        return session.finish({"removed": None}, "Nothing was removed.", json)
    delete_student(store, name)
    session.finish({"removed": name, "runs": lost.runs}, f"{name} and its runs are removed.", json)
