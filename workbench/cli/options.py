"""Options that several commands share, and how `--set NAME=VALUE` is read."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from typing import Annotated, Any

import typer

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
