"""The report's lower half: a line a query, and the opened ones as before, after and the teacher's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workbench.html.marking import html, marked
from workbench.plots.look import AFTER, BEFORE, HARMFUL, RELEVANT, TEACHER, USEFUL, Role, usefulness
from workbench.records import Query, Run
from workbench.report import pictures
from workbench.steps.compare.filters import ComparedQuery
from workbench.steps.compare.rank_similarity import query_displacements
from workbench.store import Store, views

FOLD = 330  # characters that are read without opening
WHOLE = 4_000  # characters that one passage may take of a file meant to be sent


class _Shown(NamedTuple):
    passage_id: str
    title: str
    text: str
    rank: int | None
    move: str
    relevance: int | None
    utility: float | None


def line(row: ComparedQuery, contrasted: bool, judged: bool, place: int) -> str:
    """Return a query as a line of the list; `place` above 0 links to where it is opened."""
    text = html(row.text) or '<span class="soft">without a text</span>'
    name = f'<a href="#q{place}">{text}</a>' if place else text
    cells = [f'<td class="text">{name} <span class="id">{html(row.query_id)}</span></td>']
    if contrasted:
        cells.append(f"<td>{'–' if row.value is None else f'{row.value:.3f}'}</td>")
    if judged and row.delta:
        cells += [f"<td>{value:.3f}</td>" for value in (row.delta.before, row.delta.after)]
        cells.append(f"<td>{row.delta.change:+.3f}</td>")
    elif judged:
        cells += ["<td>–</td>"] * 3
    return f"<tr>{''.join(cells)}<td>{html(row.in_words)}</td></tr>"


class View(NamedTuple):
    """What every opened query is seen in: two runs and a teacher, `depth` passages of each."""

    before: Run
    after: Run
    teacher: str | None
    depth: int


def opened(store: Store, view: View, rows: Sequence[ComparedQuery]) -> list[str]:
    """Return queries one by one with their passages before, after, and as the teacher orders them."""
    ids = [row.query_id for row in rows]
    asked = {query.query_id: query for query in views.queries(store, ids=ids)}
    moved = views.movements_of(store, view.before, view.after, ids, view.teacher, view.depth)
    return [
        _opened(store, view, row, asked[row.query_id], moved.get(row.query_id, []), place)
        for place, row in enumerate(rows, start=1)
    ]


def _opened(
    store: Store, view: View, row: ComparedQuery, query: Query, moved: Sequence[views.Moved], place: int
) -> str:
    teacher, depth = view.teacher, view.depth
    ways = query_displacements(store, view.before.student, view.after.student, row.query_id, teacher) if teacher else {}
    sides = []
    for after in (False, True):
        found = [
            _Shown(m.passage_id, m.title, m.text, rank, m.movement if after else "", m.relevance, m.utility)
            for m in moved
            if (rank := m.after if after else m.before) and rank <= depth
        ]
        sides.append(sorted(found, key=lambda each: each.rank or 0))
    best = views.ranking(store, row.query_id, teacher=teacher, depth=depth) if teacher else []
    third = [
        _Shown(each.passage_id, each.title, each.text, rank, "", each.relevance, each.utility)
        for rank, each in enumerate(best, start=1)
    ]
    answers = ", ".join(query.answers)
    change = f"{row.delta.before:.3f} → {row.delta.after:.3f} ({row.delta.change:+.3f})" if row.delta else ""
    columns = (
        _column("Before", view.before.student, BEFORE, [_card(each, query, {}) for each in sides[0]]),
        _column("After", view.after.student, AFTER, [_card(each, query, ways) for each in sides[1]]),
        _column("Teacher", teacher or "none", TEACHER, [_card(each, query, {}) for each in third]),
    )
    return (
        f'<section class="query" id="q{place}"><h3>{html(query.text)}</h3>'
        f"<p>{html(f'answers: {answers}' if answers else 'no reference answer')}. {change} {html(row.in_words)}</p>"
        f'<p class="id">query {html(query.query_id)}</p><details open><summary>Every passage, before and '
        f'after</summary>{pictures.lines(moved, depth)}</details><div class="three">{"".join(columns)}</div></section>'
    )


def _column(heading: str, name: str, role: Role, cards: Sequence[str]) -> str:
    body = "".join(cards) or '<p class="soft">No ranking of this query.</p>'
    return (
        f'<div style="--role:{role.colour}"><h3>{heading}<small title="{html(name)}">{html(name)}</small></h3>'
        f"{body}</div>"
    )


def _card(found: _Shown, query: Query, ways: Mapping[str, str]) -> str:
    relevant = found.relevance is not None and found.relevance > 0
    role = usefulness(found.utility)
    badges = [
        _badge("not judged" if found.relevance is None else "relevant" if relevant else "judged not relevant",
               RELEVANT if relevant else None),
        _badge("not scored" if role is None else f"{role.word} {found.utility:+.2f}", role),
    ]  # fmt: skip
    if way := ways.get(found.passage_id):
        badges.append(_badge(f"moved {way}", USEFUL if way.startswith("toward") else HARMFUL))
    title = marked(found.title, query.text, query.answers) or '<span class="soft">without a title</span>'
    return (
        f'<div class="card {"relevant" if relevant else ""}" data-passage="{html(found.passage_id)}">'
        f'<div class="head"><span>{found.rank}</span><b>{title}</b><span class="move">{html(_sign(found.move))}</span>'
        f"</div>{''.join(badges)}{_text(found.text, query)}"
        f'<div class="id">{html(found.passage_id)}</div></div>'
    )


def _text(text: str, query: Query) -> str:
    """Return a passage; a long one opens on a click, and one too long for a file says how much it leaves out."""
    left = f" [the first {WHOLE:,} of {len(text):,} characters]" if len(text) > WHOLE else ""
    body = f'<div class="text-of">{marked(text[:WHOLE], query.text, query.answers)}{left}</div>'
    if len(text) <= FOLD:
        return body
    more = f'<span class="soft more">all {len(text.split()):,} words</span>'
    return f"<details><summary>{body}{more}</summary></details>"


def _badge(word: str, role: Role | None) -> str:
    colour = f' style="--role:{role.colour}"' if role else ' style="--role:var(--line)"'
    return f'<span class="badge"{colour}>{html(word)}</span>'


def _sign(move: str) -> str:
    sign = {"up": "▲ ", "new": "▲ ", "down": "▼ ", "gone": "▼ ", "stays": "= "}.get(move.split(" ", maxsplit=1)[0], "")
    return f"{sign}{move}"
