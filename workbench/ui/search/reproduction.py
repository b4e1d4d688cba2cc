"""How to come to a search again: the shell line, the notebook cell and the link."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.commands import command
from workbench.records import Query
from workbench.store import Store
from workbench.ui.search.choices import TeacherChoice
from workbench.ui.shell import commands


def reproduce(store: Store, query: Query, students: Sequence[str], teacher: TeacherChoice | None, depth: int) -> None:
    """Show how to search the same again."""
    given = {"model": teacher.model} if teacher and teacher.model else {}
    options = {"rerank": teacher.kind, "rerank_depth": teacher.depth, **given} if teacher else {}
    text = [] if query.query_id else [query.text]
    line = command("search", *text, query=query.query_id, student=list(students), depth=depth, **options)
    asked = f"wb.views.query(store, {query.query_id!r})" if query.query_id else repr(query.text)
    cell = [f"query = {asked}"]
    if teacher:
        settings = "".join(f", {name}={value!r}" for name, value in given.items())
        cell.append(f"teacher = wb.teacher({teacher.kind!r}{settings})")
    more = f"teacher, depth={depth}, rerank_depth={teacher.depth}" if teacher else f"depth={depth}"
    cell.append(f"result = wb.search(store, query, {list(students)!r}, {more})")
    commands.reproduce(store, "search", [line], "\n".join([*cell, "result.to_frame()"]), query=query.query_id)
