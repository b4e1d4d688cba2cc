"""Queries and passages as HTML: title, then text as text, with badges in words; long ones folded, never cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.html.marking import answer_found, html, marked
from workbench.plots.look import HARMFUL, RELEVANT, USEFUL, Role, usefulness
from workbench.records import Query
from workbench.store.views import Moved, Placed

FOLD_LENGTH = 330  # characters; about four lines of a third of the page


@dataclass(frozen=True)
class Card:
    """What a passage's card shows; every badge is a word, with a role's colour where it has one."""

    passage_id: str
    title: str
    text: str
    rank: str = ""
    move: str = ""
    badges: tuple[tuple[str, Role | None], ...] = ()
    role: Role | None = None


def badge(word: str, role: Role | None = None) -> str:
    """Return a small label; without a role it has no colour."""
    return f'<span class="wb-badge {role_class(role) or "wb-plain"}">{html(word)}</span>'


def card(shown: Card, query: Query, *, fold: bool = True) -> str:
    """Return a passage as HTML, the query's words and its answers marked; a long one is folded unless told not to."""
    found = answer_found(shown.text, query.answers)
    badges = [badge(word, role) for word, role in shown.badges]
    if found is not None:
        badges.append(badge("answer in the text"))
    text = f'<p class="wb-text">{marked(shown.text, query.text, query.answers)}</p>'
    if fold and len(shown.text) > FOLD_LENGTH:
        below = " (the answer is further down)" if found is not None and found > FOLD_LENGTH else ""
        words = f"show all {len(shown.text.split()):,} words{below}"
        more = f'<span class="wb-more"><span class="wb-all">{words}</span><span class="wb-less">show less</span></span>'
        text = f'<details class="wb-fold"><summary>{text}{more}</summary></details>'
    head = f'<span class="wb-rank">{html(shown.rank)}</span>' if shown.rank else ""
    title = (
        marked(shown.title, query.text, query.answers)
        if shown.title
        else '<span class="wb-soft">without a title</span>'
    )
    return (
        f'<div class="wb-card {"wb-role " + role_class(shown.role) if shown.role else ""}"><div class="wb-head">{head}'
        f'<span class="wb-title">{title}</span>{_move(shown.move)}</div>'
        f'<div class="wb-badges">{"".join(badges)}</div>{text}'
        f'<div class="wb-id">{html(shown.passage_id)}</div></div>'
    )


def column(heading: str, name: str, role: Role, cards: Sequence[str], empty: str) -> str:
    """Return cards under a heading and the name of whoever ranked them, in that role's colour."""
    body = "".join(cards) or f'<p class="wb-soft">{html(empty)}</p>'
    return (
        f'<div class="wb"><div class="wb-column {role_class(role)}"><b>{html(heading)}</b>'
        f'<span title="{html(name)}">{html(name)}</span></div>{body}</div>'
    )


def question(query: Query) -> str:
    """Return a query with its reference answers."""
    answers = "".join(badge(answer) for answer in query.answers) or '<span class="wb-soft">no reference answer</span>'
    word = "answer" if len(query.answers) == 1 else "answers"
    return (
        f'<div class="wb"><p class="wb-query">{html(query.text)}</p><div class="wb-badges">'
        f'<span class="wb-soft">{word if query.answers else ""}</span> {answers}</div>'
        f'<div class="wb-id">query {html(query.query_id)}, {html(query.split or "no")} split</div></div>'
    )


def placed_card(found: Placed, *, rank: bool = True) -> Card:
    """Return the card of a passage as a run or a teacher placed it."""
    words = list(judgements(found.relevance, found.utility))
    if found.similarity is not None:
        words.append((f"similarity {found.similarity:.3f}", None))
    shown = f"{found.rank:,}" if rank and found.rank else ""
    return Card(found.passage_id, found.title, found.text, shown, "", tuple(words), _role(found.relevance))


def teacher_card(found: Placed, place: int, after: int | None) -> Card:
    """Return the card of a passage in the teacher's own order, `place` counted from 1, with the rank after."""
    shown = placed_card(found, rank=False)
    where = f"after: rank {after:,}" if after else "after: rank not known"
    return replace(shown, rank=f"{place:,}", badges=(*shown.badges, (where, None)))


def moved_card(found: Moved, *, after: bool) -> Card:
    """Return the card of a passage in the ranking before or after; only the later one tells of the movement."""
    rank = found.after if after else found.before
    return Card(
        found.passage_id,
        found.title,
        found.text,
        f"{rank:,}" if rank else "–",
        found.movement if after else _whereto(found),
        judgements(found.relevance, found.utility),
        _role(found.relevance),
    )


def with_way(shown: Card, way: str) -> Card:
    """Return a card with a badge that says whether the passage moved toward the teacher's place for it or away."""
    if not way:
        return shown
    role = USEFUL if way.startswith("toward") else HARMFUL
    return replace(shown, badges=(*shown.badges, (f"moved {way}", role)))


def judgements(relevance: int | None, utility: float | None) -> tuple[tuple[str, Role | None], ...]:
    """Return what people and the teacher say of a pair, as badges; never judged and never scored are said too."""
    if relevance is None:
        judged: tuple[str, Role | None] = ("not judged", None)
    else:
        judged = ("relevant", RELEVANT) if relevance > 0 else ("judged not relevant", None)
    role = usefulness(utility)
    scored = ("not scored", None) if utility is None or role is None else (f"{role.word} {utility:+.2f}", role)
    return judged, scored


def _whereto(found: Moved) -> str:
    return "gone" if found.after is None else "stays" if found.after == found.before else f"to rank {found.after:,}"


def _move(move: str) -> str:
    if not move:
        return ""
    sign, role = next(
        (found for word, found in _MOVES.items() if move.startswith(word)),
        ("", None),
    )
    return f'<span class="wb-move {role_class(role)}">{sign}{html(move)}</span>'


_MOVES: dict[str, tuple[str, Role | None]] = {
    "up": ("▲ ", USEFUL),
    "new": ("▲ ", USEFUL),
    "down": ("▼ ", HARMFUL),
    "gone": ("▼ ", HARMFUL),
    "stays": ("= ", None),
}


def _role(relevance: int | None) -> Role | None:
    return RELEVANT if relevance and relevance > 0 else None


def role_class(role: Role | None) -> str:
    """Return the style class that carries a role's colour."""
    return f"wb-{role.word.replace(' ', '-').lower()}" if role else ""
