"""The command that asks a teacher for utilities: score."""

from __future__ import annotations

from typing import Annotated, cast

import typer

from workbench.cli import output
from workbench.cli.options import (
    Address,
    EngineName,
    EngineSettings,
    Json,
    ModelName,
    OptionalSplit,
    QueryLimit,
    Shards,
    TemplateName,
    engine_of,
    settings,
)
from workbench.cli.session import Session
from workbench.records import STATUSES, Status
from workbench.steps.teach.scoring.score import score
from workbench.steps.teach.scoring.score_estimate import score_estimate
from workbench.steps.teach.scoring.score_time import score_time
from workbench.teachers import TEACHERS, RemoteTeacher, teacher, teacher_settings

_KINDS = "; ".join(f"`{name}`: {kind.about}" for name, kind in TEACHERS.items())
_SETTINGS = "; ".join(f"`{name}` has {', '.join(s.name for s in teacher_settings(name))}" for name in TEACHERS)


def score_command(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--teacher", help=f"Which teacher. {_KINDS}.")] = "lexical",
    model: ModelName = "",
    template: TemplateName = "",
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help=f"A setting of the teacher: `--set normalisation=sum`. {_SETTINGS}."),
    ] = None,
    split: OptionalSplit = None,
    limit: QueryLimit = None,
    retry: Annotated[
        str,
        typer.Option(
            help="Also ask again about pairs without a utility: `failed` (an error), `refused` (the teacher declined), "
            "`unreadable` (its answer does not parse), several with commas, or `all`.",
            metavar="STATUS[,STATUS]",
            show_default=False,
        ),
    ] = "",
    only_estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it will take, measured on some pairs, and score nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Spend a budget of money without asking.")] = False,
    engine: EngineName = "local",
    address: Address = "",
    shards: Shards = "",
    on: EngineSettings = None,
    json: Json = False,
) -> None:
    """Ask a teacher how useful each candidate is; each finished batch is kept, and Ctrl-C loses none.

    Run it again to go on where it stopped: only what is missing is asked, and with `--retry` what failed. It ends
    with 1 if every pair failed.
    """
    session: Session = context.obj
    given = {name: value for name, value in (("model", model), ("template", template)) if value} | settings(option)
    chosen, where = teacher(kind, **given), engine_of(engine, address, shards, on)
    store = session.store()
    statuses = STATUSES if retry == "all" else cast("list[Status]", [name.strip() for name in retry.split(",") if name])
    estimate = score_estimate(store, chosen, split, limit, statuses)
    if estimate is not None:
        output.note(estimate.in_words)
    if only_estimate:
        taken = estimate or score_time(store, chosen, split, limit)
        return session.finish(taken, taken.in_words if taken else "Nothing is known of what it takes.", json)
    if "max_cost" in given and not yes and not typer.confirm("Ask the server?", default=False, err=True):
        raise typer.Exit(1)
    with output.progress(session.reporter) as listen:
        result = score(store, chosen, split, limit, listen, retry=statuses, engine=where)
    if isinstance(chosen, RemoteTeacher) and chosen.spent is not None:
        output.note(f"asked for: {chosen.spent.in_words}")
    if result.interrupted:
        session.stopping = True
    session.finish(result, result.in_words, json)
    if result.interrupted:
        raise typer.Exit(130)
    if result.failed:
        raise typer.Exit(1)
    session.suggest_next(store)
