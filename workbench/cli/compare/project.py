"""The command that places queries and passages in two dimensions: project."""

from __future__ import annotations

from pathlib import Path
from shutil import copyfile
from typing import Annotated

import typer

from workbench import files
from workbench.cli import output
from workbench.cli.options import Json
from workbench.cli.session import Session
from workbench.steps.compare.projection.project import METHODS, project

ABOUT = "; ".join(f"{name}: {about}" for name, about in METHODS.items())


def project_command(
    context: typer.Context,
    student: Annotated[str, typer.Argument(help="A dense student.")],
    axes_of: Annotated[
        str,
        typer.Option(help="The student whose axes are used, placed too to compare with; its own unless given."),
    ] = "",
    method: Annotated[str, typer.Option(help=f"{ABOUT}. UMAP needs the extra `map`.")] = "pca",
    seed: Annotated[int, typer.Option(help="Of UMAP's random numbers.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the points to this Parquet file.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """Place every query and passage in two dimensions, and keep the points for the page Map."""
    session: Session = context.obj
    store = session.store()
    with output.progress(session.reporter) as listen:
        before = project(store, axes_of, "", method, seed, listen) if axes_of else None
        projection = project(store, student, axes_of, method, seed, listen)
    if before and not json:
        output.line(before.in_words)
    if out:
        with files.aside(out) as draft:
            copyfile(projection.file, draft)
        output.note(f"points: {out}")
    session.finish(projection, projection.in_words, json)
