"""The report's lower half: a row for each query, and the opened ones as before, after and the teacher's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from workbench.html.cards import card, column, moved_card, question, teacher_card, with_displacement
from workbench.html.marking import html
from workbench.plots.look import AFTER, BEFORE, TEACHER
from workbench.records import NO_TEXT, Query, Run, Unit
from workbench.report import pictures
from workbench.steps.compare.filters import ComparedQuery
from workbench.steps.compare.rank_similarity import query_displacements
from workbench.store import Store, views

WHOLE = 4_000  # characters that one passage may take of a file meant to be sent


def cells(row: ComparedQuery, contrasted: bool, judged: bool, place: int) -> list[str]:
    """Return a query as the cells of its row in the list; `place` above 0 links to where it is opened."""
    text = html(row.text) or f'<span class="wb-soft">{NO_TEXT}</span>'
    name = f'<a href="#q{place}">{text}</a>' if place else text
    values = [f'{name} <span class="wb-id">{html(row.query_id)}</span>']
    if contrasted:
        values.append("–" if row.value is None else f"{row.value:.3f}")
    if judged and row.delta:
        values += [f"{row.delta.before:.3f}", f"{row.delta.after:.3f}", f"{row.delta.change:+.3f}"]
    elif judged:
        values += ["–"] * 3
    return [*values, html(row.in_words)]


class View(NamedTuple):
    """What every opened query is shown in: two runs and a teacher with its unit, `depth` passages of each."""

    before: Run
    after: Run
    teacher: str | None
    depth: int
    unit: Unit = "unknown"


def opened(store: Store, view: View, rows: Sequence[ComparedQuery]) -> list[str]:
    """Return queries one by one with their passages before, after, and as the teacher orders them."""
    ids = [row.query_id for row in rows]
    queries = {query.query_id: query for query in views.queries(store, ids=ids, known_by_id=True)}
    moved = views.movements_of(store, view.before, view.after, ids, view.teacher, view.depth)
    return [
        _opened(store, view, row, queries[row.query_id], moved.get(row.query_id, []), place)
        for place, row in enumerate(rows, start=1)
    ]


def _opened(
    store: Store, view: View, row: ComparedQuery, query: Query, moved: Sequence[views.Moved], place: int
) -> str:
    change = f"{row.delta.before:.3f} → {row.delta.after:.3f} ({row.delta.change:+.3f}), " if row.delta else ""
    return (
        f'<section class="query" id="q{place}">{question(query)}<p>{change}{html(row.in_words)}</p>'
        f"<details open><summary>Every passage, before and after</summary>"
        f'{pictures.lines(moved, view.depth, view.unit)}</details><div class="three">'
        f"{''.join(_columns(store, view, query, moved))}</div></section>"
    )


def _columns(store: Store, view: View, query: Query, moved: Sequence[views.Moved]) -> list[str]:
    """Return the query's passages as cards: before, after, and in the teacher's order."""
    teacher, students = view.teacher, (view.before.student, view.after.student)
    directions = query_displacements(store, *students, query.query_id, teacher) if teacher else {}
    before = [moved_card(one, after=False, unit=view.unit) for one in _ranked(moved, view.depth, after=False)]
    after = [
        with_displacement(moved_card(one, after=True, unit=view.unit), directions.get(one.passage_id, ""))
        for one in _ranked(moved, view.depth, after=True)
    ]
    ranks = {one.passage_id: one.after for one in moved}
    best = views.ranking(store, query.query_id, teacher=teacher, depth=view.depth) if teacher else []
    of_teacher = [
        teacher_card(passage, place, ranks.get(passage.passage_id), view.unit) for place, passage in enumerate(best, 1)
    ]
    sides = (
        ("Before", students[0], BEFORE, before),
        ("After", students[1], AFTER, after),
        ("Teacher", teacher or "none", TEACHER, of_teacher),
    )
    return [
        column(heading, name, role, [card(one, query, most=WHOLE) for one in cards], "No ranking of this query.")
        for heading, name, role, cards in sides
    ]


def _ranked(moved: Sequence[views.Moved], depth: int, *, after: bool) -> list[views.Moved]:
    """Return the passages down to `depth` in one of the rankings, by rank."""
    ranks = {one.passage_id: (one.after if after else one.before) or depth + 1 for one in moved}
    return sorted((one for one in moved if ranks[one.passage_id] <= depth), key=lambda one: ranks[one.passage_id])
