"""The command that searches for one query by several students: search."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import output
from workbench.cli.options import Json, ModelName, TeacherSettings, settings
from workbench.cli.session import Session
from workbench.errors import BadSetting
from workbench.steps.compare.searching.choices import usual_students
from workbench.steps.compare.searching.keep_query import keep_query, must_be_split
from workbench.steps.compare.searching.results import SearchRanking
from workbench.steps.compare.searching.search import search
from workbench.store import views
from workbench.teachers import TEACHERS, teacher

EXCERPT = 90  # characters of a passage
NO_SPLIT = "none"


def search_command(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The query.")] = "",
    query: Annotated[str, typer.Option(help="In place of a text: a query of the workspace, by its id.")] = "",
    student: Annotated[
        list[str] | None,
        typer.Option(help="Who searches, once for each; unless given, bm25, the newest student and its base."),
    ] = None,
    kind: Annotated[
        str, typer.Option("--rerank", help=f"A teacher that re-ranks the first student's: {', '.join(TEACHERS)}.")
    ] = "",
    model: ModelName = "",
    option: TeacherSettings = None,
    rerank_depth: Annotated[int, typer.Option(min=1, help="How many passages the teacher puts in order.")] = 20,
    depth: Annotated[int, typer.Option(min=1, help="How many passages of each ranking are shown.")] = 10,
    keep: Annotated[
        str, typer.Option(help="Keep the text as a query to annotate: in train, dev or test, or in `none` of them.")
    ] = "",
    json: Json = False,
) -> None:
    """Search for one query by several students side by side, with the time that each takes, warm."""
    session: Session = context.obj
    if bool(text) == bool(query):
        raise BadSetting("One query is to be asked.", "Name a text, or --query with an id, and not both.")
    split = "" if keep == NO_SPLIT else keep
    must_be_split(split)
    given = {"model": model} if model else {}
    chosen = teacher(kind, **given, **settings(option)) if kind else None
    store = session.store()
    students = student or usual_students(store)
    asked = views.query(store, query) if query else text
    with output.progress(session.reporter):
        result = search(store, asked, students, chosen, depth, rerank_depth)
    session.message = result.in_words
    kept_query = keep_query(store, result.query.text, students, split) if keep else None
    if json:
        return output.as_json({"result": result, "kept": kept_query} if kept_query else result)
    for ranking in result.rankings:
        _show(ranking)
    output.line(f"\n{result.in_words}")
    if kept_query:
        session.message = kept_query.in_words
        output.line(kept_query.in_words)


def _show(ranking: SearchRanking) -> None:
    rows = [
        (hit.rank, hit.passage_id, hit.score, hit.movement, "relevant" if hit.relevant else "",
         " ".join(f"{hit.title} {hit.text}".split())[:EXCERPT])
        for hit in ranking.hits
    ]  # fmt: skip
    against = f", moves from {ranking.against}" if ranking.against and ranking.hits else ""
    output.table(("rank", "passage", ranking.unit, "move", "", "text"), rows, title=f"\n{ranking.ranker}{against}")
    if ranking.problem:
        output.note(ranking.problem)
