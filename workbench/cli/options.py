"""Options that several commands share, and how `--set NAME=VALUE` is read."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from workbench.engines import ENGINES, Engine, engine, engine_settings
from workbench.errors import BadSetting
from workbench.store import WithoutRelevant
from workbench.teachers.prompts import TEMPLATES

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Split = Annotated[str, typer.Option(help="Which split of the queries: train, dev or test.")]
OptionalSplit = Annotated[
    str | None, typer.Option(help="Only this split; all of them unless given.", show_default=False)
]
QueryLimit = Annotated[
    int | None, typer.Option(min=1, help="Only the first so many queries, by id.", show_default=False)
]
ModelName = Annotated[str, typer.Option(help="The same as `--set model=`: a language model, by hub name or folder.")]
TemplateName = Annotated[
    str,
    typer.Option(
        help="The same as `--set template=`: the name of a prompt template, or its TOML or JSON file. Templates: "
        f"{', '.join(TEMPLATES)}."
    ),
]
TeacherSettings = Annotated[
    list[str] | None, typer.Option("--set", help="A setting of the teacher, as of `workbench score`.")
]
TeacherName = Annotated[
    str, typer.Option("--teacher", help="Whose utilities, by name or its beginning.", show_default=False)
]

Relevance = Annotated[
    int | None,
    typer.Option(
        help="Passages of this relevance or more are relevant; the workspace's setting unless given.",
        show_default=False,
    ),
]
LeftOut = Annotated[
    WithoutRelevant | None,
    typer.Option(
        "--without-relevant",
        show_default=False,
        help="In means, judged queries without a relevant passage are `zero` or `left out`.",
    ),
]

TeacherTemperature = Annotated[
    float | None, typer.Option(help="Divides utilities; unless given, set from their spread.", show_default=False)
]

MeasuredQueries = Annotated[
    int, typer.Option("--queries", min=1, help="Measure no more than so many queries, drawn evenly.")
]

_ENGINE_SETTINGS = {name: ", ".join(one.name for one in engine_settings(name)) for name in ENGINES}
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        help=f"Where it is computed: {'; '.join(f'`{name}`: {kind.about}' for name, kind in ENGINES.items())}.",
    ),
]
Shards = Annotated[
    str,
    typer.Option(
        help="Folder or URL of the engine's shards, which all machines see; the workspace's `shards` unless given.",
        show_default=False,
    ),
]
EngineSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--on",
        help="A setting of the engine: `--on workers=4`. "
        f"{'; '.join(f'`{name}` has {names}' for name, names in _ENGINE_SETTINGS.items())}.",
    ),
]
Address = Annotated[
    str,
    typer.Option(help="The same as `--on address=`: a Ray cluster, `auto` for this machine's.", show_default=False),
]


def engine_of(name: str, address: str, shards: str, assignments: Sequence[str] | None) -> Engine:
    """Return the engine that the options name."""
    given = {option: value for option, value in (("address", address), ("shards", shards)) if value}
    return engine(name, **given | settings(assignments))


def settings(assignments: Sequence[str] | None) -> dict[str, Any]:
    """Return what `--set NAME=VALUE` options set, each value as JSON reads it, else a string."""
    return dict(_setting(assignment) for assignment in assignments or ())


def _setting(assignment: str) -> tuple[str, Any]:
    name, _, value = assignment.partition("=")
    if not value:
        raise BadSetting(f"--set {assignment!r} is not NAME=VALUE.", "Example: --set normalisation=sum")
    try:
        return name.replace("-", "_"), json_format.loads(value)
    except ValueError:
        return name.replace("-", "_"), value
