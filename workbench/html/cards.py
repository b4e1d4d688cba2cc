"""Queries and passages as HTML: title, then text as text, with badges in words; long ones folded, never cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from workbench.html.marking import answer_found, html, marked
from workbench.plots.look import HARMFUL, RELEVANT, USEFUL, USELESS, Role, usefulness
from workbench.records import NO_TEXT, Query, Unit
from workbench.store.views import HardCase, Moved, Placed

FOLD_LENGTH = 330  # characters; about four lines of a third of the page


class Badge(NamedTuple):
    """A word, in a role's colour where it has one; `hint` is shown where one points at it."""

    word: str
    role: Role | None = None
    hint: str = ""


@dataclass(frozen=True)
class Card:
    """What a passage's card shows."""

    passage_id: str
    title: str
    text: str
    rank: str = ""
    move: str = ""
    badges: tuple[Badge, ...] = ()
    role: Role | None = None


def badge(word: str, role: Role | None = None, hint: str = "") -> str:
    """Return a small label; without a role it has no colour."""
    title = f' title="{html(hint)}"' if hint else ""
    return f'<span class="wb-badge {role_class(role) or "wb-plain"}"{title}>{html(word)}</span>'


def tally(won: int, tied: int, lost: int) -> str:
    """Return how many queries are better, the same and worse, as a bar and in words."""
    groups = ((won, "better", USEFUL), (tied, "the same", USELESS), (lost, "worse", HARMFUL))
    bar = "".join(
        f'<span class="{role_class(role)}" style="flex:{number}"></span>' for number, _, role in groups if number
    )
    words = "".join(f"<span><i>{number:,}</i> {word}</span>" for number, word, _ in groups)
    return f'<div class="wb"><div class="wb-tally">{bar}</div><div class="wb-words">{words}</div></div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column is text; its cells are HTML."""
    kinds = [' class="text"', *[""] * (len(header) - 1)]
    names = "".join(f"<th{kind}>{html(name)}</th>" for kind, name in zip(kinds, header, strict=True))
    lines = ("".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True)) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>'


def card(shown: Card, query: Query, *, fold: bool = True, most: int = 0) -> str:
    """Return a passage as HTML, the query's words and its answers marked; a long one is folded if `fold`.

    Of a text of more than `most` characters, if that is not 0, the rest is left out, and the card says so.
    """
    answer = answer_found(shown.text, query.answers)
    badges = [badge(*one) for one in shown.badges]
    if answer is not None:
        badges.append(badge("answer in the text"))
    cut = most and len(shown.text) > most
    rest = f" [the first {most:,} of {len(shown.text):,} characters]" if cut else ""
    body = marked(shown.text[:most] if cut else shown.text, query.text, query.answers)
    if not shown.title and not shown.text:
        body = f'<span class="wb-soft">{NO_TEXT}</span>'
    text = f'<p class="wb-text" dir="auto">{body}{rest}</p>'
    if fold and len(shown.text) > FOLD_LENGTH:
        below = " (the answer is further down)" if answer is not None and answer > FOLD_LENGTH else ""
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
        f'<div class="wb-card {"wb-role " + role_class(shown.role) if shown.role else ""}" '
        f'data-passage="{html(shown.passage_id)}"><div class="wb-head">{head}'
        f'<span class="wb-title" dir="auto">{title}</span>{_move(shown.move)}</div>'
        f'<div class="wb-badges">{"".join(badges)}</div>{text}'
        f'<div class="wb-id">{html(shown.passage_id)}</div></div>'
    )


def column(heading: str, name: str, role: Role, cards: Sequence[str], empty: str) -> str:
    """Return cards under a heading and the name of the student or teacher that ranked them, in its role's colour."""
    body = "".join(cards) or f'<p class="wb-soft">{html(empty)}</p>'
    return (
        f'<div class="wb"><div class="wb-column {role_class(role)}"><b>{html(heading)}</b>'
        f'<span title="{html(name)}">{html(name)}</span></div>{body}</div>'
    )


def question(query: Query) -> str:
    """Return a query with its reference answers."""
    answers = "".join(badge(answer) for answer in query.answers) or '<span class="wb-soft">no reference answer</span>'
    word = "answer" if len(query.answers) == 1 else "answers"
    text = html(query.text) or f'<span class="wb-soft">{NO_TEXT}</span>'
    return (
        f'<div class="wb"><p class="wb-query" dir="auto">{text}</p><div class="wb-badges">'
        f'<span class="wb-soft">{word if query.answers else ""}</span> {answers}</div>'
        f'<div class="wb-id">query {html(query.query_id)}, {html(query.split or "no")} split</div></div>'
    )


def placed_card(passage: Placed, *, rank: bool = True, unit: Unit = "unknown") -> Card:
    """Return the card of a passage as a run or a teacher ranks it, its utility in `unit`."""
    badges = judgements(passage, unit)
    if passage.similarity is not None:
        badges += (Badge(f"similarity {passage.similarity:.3f}"),)
    shown = f"{passage.rank:,}" if rank and passage.rank else ""
    return Card(passage.passage_id, passage.title, passage.text, shown, "", badges, _role(passage))


def teacher_card(passage: Placed, place: int, after: int | None, unit: Unit = "unknown") -> Card:
    """Return the card of a passage in the teacher's own order, `place` counted from 1, with the rank after."""
    shown = placed_card(passage, rank=False, unit=unit)
    where = f"after: rank {after:,}" if after else "after: rank not known"
    return replace(shown, rank=f"{place:,}", badges=(*shown.badges, Badge(where)))


def moved_card(passage: Moved, *, after: bool, unit: Unit = "unknown") -> Card:
    """Return the card of a passage in the ranking before or after, with where it moved; its utility is in `unit`."""
    rank = passage.after if after else passage.before
    return Card(
        passage.passage_id,
        passage.title,
        passage.text,
        f"{rank:,}" if rank else "–",
        passage.movement if after else _rank_after(passage),
        judgements(passage, unit),
        _role(passage),
    )


def with_displacement(shown: Card, direction: str) -> Card:
    """Return a card with a badge that says whether the passage moved toward the teacher's place for it or away."""
    if not direction:
        return shown
    role = USEFUL if direction.startswith("toward") else HARMFUL
    return replace(shown, badges=(*shown.badges, Badge(f"moved {direction}", role)))


def judgements(pair: Placed | Moved | HardCase, unit: Unit = "unknown") -> tuple[Badge, ...]:
    """Return the relevance and the utility of a pair as badges, also where it is not judged or not scored."""
    judged, utility = judgement(pair.relevance, pair.relevant), pair.utility
    role = usefulness(utility, unit)
    if utility is None or role is None:
        return judged, Badge("not scored")
    return judged, Badge(f"{role.word} {utility:+.2f}", role, "" if unit == "unknown" else unit)


def judgement(relevance: int | None, relevant: bool) -> Badge:
    """Return the relevance of a passage as a badge, also where it is not judged."""
    if relevance is None:
        return Badge("not judged")
    if relevant:
        return Badge("relevant" if relevance == 1 else f"relevant · grade {relevance}", RELEVANT)
    return Badge("judged not relevant" if relevance < 1 else f"grade {relevance}, below the level")


def _rank_after(passage: Moved) -> str:
    if passage.after is None:
        return "gone"
    return "stays" if passage.after == passage.before else f"to rank {passage.after:,}"


def _move(move: str) -> str:
    if not move:
        return ""
    sign, role = next(
        (sign_and_role for word, sign_and_role in _MOVES.items() if move.startswith(word)),
        ("", None),
    )
    return f'<span class="wb-move {role_class(role) or "wb-stays"}">{sign}{html(move)}</span>'


_MOVES: dict[str, tuple[str, Role | None]] = {
    "up": ("▲ ", USEFUL),
    "new": ("▲ ", USEFUL),
    "down": ("▼ ", HARMFUL),
    "gone": ("▼ ", HARMFUL),
    "stays": ("= ", None),
}


def _role(pair: Placed | Moved) -> Role | None:
    return RELEVANT if pair.relevant else None


def role_class(role: Role | None) -> str:
    """Return the style class that carries a role's colour."""
    return f"wb-{role.word.replace(' ', '-').lower()}" if role else ""
