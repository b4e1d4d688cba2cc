"""One hard case on the table: why it is here, what it says, and the keys that judge it, each kept at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.html.cards import Card, badge, judgements, question, role_class
from workbench.html.cards import card as drawn
from workbench.html.marking import html
from workbench.plots.look import AFTER, RELEVANT, usefulness
from workbench.records import Annotation, Verdict
from workbench.steps.annotate.annotate import ANONYMOUS, TAGS, annotate, undo
from workbench.store import Store, views
from workbench.store.views import ADJUDICATION, HardCase
from workbench.ui.annotate.queue import Queue, key
from workbench.ui.shell import cache, components
from workbench.ui.shell.pickers import Pair

# Key, label, verdict, grade. Streamlit keeps R and C and punctuation to itself.
JUDGEMENTS: tuple[tuple[str, str, Verdict, int | None, str], ...] = (
    ("0", "useless", "useless", 0, "It neither helps nor misleads."),
    ("1", "helps a little", "useful", 1, "It helps to answer, a little."),
    ("2", "helps", "useful", 2, "It helps to answer."),
    ("3", "answers it", "useful", 3, "It answers the query in full."),
    ("H", "harmful", "harmful", None, "It would mislead whoever answers from it."),
    ("N", "unsure", "unsure", None, "You cannot tell; that is a finding too."),
)
KEYS = (
    "Keys: 0 to 3 grade, H harmful, N unsure, A accept or X reject the teacher's word, F flag, S skip, U undo, "
    "← and → walk, Enter goes on to the next. Verdicts are kept at once; no key fires while you type in a field."
)


def typed_name() -> str:
    """Return who is judging, as typed in the sidebar."""
    return str(st.session_state.get("annotator") or "").strip() or ANONYMOUS


@dataclass(frozen=True)
class Table:
    """The case that is being judged, by whom, and out of which queue."""

    store: Store
    waiting: Queue
    case: HardCase
    annotator: str
    swift: bool = False

    @property
    def word(self) -> Annotation | None:
        """Return the last word on the case, as the page was drawn."""
        return self.waiting.said.get(key(self.case))

    def keep(self, **changes: Any) -> None:
        """Append what stands with `changes`, unless nothing has changed; read anew, since others may have written."""
        settling = self.waiting.rule == ADJUDICATION
        # Who judges is read now: `annotator` holds what stood there when the page was last drawn.
        annotator = typed_name()
        words = views.last_words(self.store, annotator)
        pair = key(self.case)
        mine = [word for word in words if word[:2] == pair and (word.rule == ADJUDICATION) == settling]
        held = {"verdict": "draft", "note": "", "grade": None, "tags": (), "flagged": False}
        if mine:
            held = {name: getattr(mine[-1], name) for name in held}
        if held["verdict"] == "withdrawn":
            held["verdict"] = "draft"
        wanted = held | changes
        if wanted != held or (not mine and "verdict" in changes):
            rule = ADJUDICATION if settling else self.case.rules[0]
            annotate(self.store, *pair, annotator=annotator, rule=rule, **wanted)


def progress(waiting: Queue) -> None:
    """Show how much of the queue is done."""
    total, counted = len(waiting.cases), waiting.counts()
    if not total:
        return
    done, skipped, left = counted["done"], counted["skipped"], counted["pending"]
    whom = "settled" if waiting.rule == ADJUDICATION else "judged by you"
    st.progress(done / total, text=f"{done:,} of {total:,} {whom}, {left:,} waiting, {skipped:,} skipped")
    if not left:
        more = f" {skipped:,} that you skipped wait under “skipped”." if skipped else " Thank you."
        st.success(f"No case of this filter is waiting.{more}", icon=":material/done_all:")


def card(table: Table, chosen: Pair, *, blind: bool) -> None:
    """Show the case: query, answers, passage, and, unless `blind`, what teacher, student and qrels say of it."""
    store, case, wanted = table.store, table.case, st.query_params.get("query", "")
    if wanted and (wanted, st.query_params.get("passage", "")) != key(case):
        components.stale("The link names a case that is not in this queue. Showing the next one that waits.")
    query = cache.query(store, case.query_id)
    passage = next(iter(cache.passages(store, ids=(case.passage_id,))))
    if blind:
        why = '<span class="wb-soft">Why it is here: hidden while you judge blind</span>'
    else:
        named = " ".join(f"{badge(reason.rule)} {html(reason.why)}" for reason in case.reasons)
        student = "" if case.after is None else f"; student {chosen.run.student}"
        why = f'<span class="wb-soft">Why it is here: </span>{named}<span class="wb-soft">{html(student)}</span>'
    st.html(f'<div class="wb"><div class="wb-why {role_class(AFTER)}">{why}</div></div>')
    components.html_block(question(query))
    badges = () if blind else (*judgements(case.relevance, case.utility), *_ranks(case))
    role = RELEVANT if not blind and (case.relevance or 0) > 0 else None
    shown = drawn(Card(passage.passage_id, passage.title, passage.text, badges=badges, role=role), query, fold=False)
    components.html_block(f'<div class="wb">{shown}</div>')
    components.legend()
    if (word := table.word) and table.waiting.state(case) != "pending":
        said = "skipped it" if word.verdict == "skipped" else f"called it {word.verdict}"
        who = f"{word.annotator} has" if table.waiting.rule == ADJUDICATION else "You"
        graded = "" if word.grade is None else f", grade {word.grade}"
        when = components.ago(word.created, datetime.now(UTC))
        components.remark(f"{who} {said}{graded}, {when}. A new verdict follows it; the old one stays on record.")


def keys(table: Table, *, blind: bool) -> None:
    """Offer everything that can be done with the case, each with a key of its own."""
    with st.container(horizontal=True):
        _judging(table, blind)
    with st.container(horizontal=True):
        flagged = table.word is not None and table.word.flagged
        act = partial(_button, case=table.case)
        act("flag", "F", partial(_flag, table, not flagged), help="Asks for another look.", stands=flagged)
        act("skip", "S", partial(_skip, table), help="Goes to the tab “skipped”, for later.")
        undo_key(table.store, table.waiting, table.annotator)
        for label, shortcut, step in (("previous", "Left", -1), ("next", "Right", 1)):
            target = table.waiting.neighbour(table.case, step)
            act(label, shortcut, partial(_go, target), disabled=target is None)
        act("submit and next", "Enter", partial(_submit, table), help="Goes on to the next case of this tab.")
    components.remark(f"You judge as {table.annotator}. {KEYS}")


def undo_key(store: Store, waiting: Queue, annotator: str) -> None:
    """Offer to take back what was said last; that is possible with nothing on the table too."""
    act = partial(_undo, store, waiting, annotator)
    _button("undo", "U", act, help="Takes back what you said last, and shows it.")


def trouble() -> None:
    """Show what could not be kept by the key that was pressed last."""
    if said := st.session_state.pop("verdict-trouble", ""):
        components.failed(said)


def _judging(table: Table, blind: bool) -> None:
    word, teacher = table.word, _teachers_word(table.case)
    for shortcut, label, verdict, grade, meaning in JUDGEMENTS:
        stands = word is not None and (word.verdict, word.grade) == (verdict, grade)
        _button(label, shortcut, partial(_judge, table, verdict, grade), table.case, help=meaning, stands=stands)
    silent = blind or teacher is None
    meaning = "hidden while you judge blind" if blind else f"The teacher finds it {teacher or 'nothing'}."
    opposite: Verdict = "useless" if teacher == "useful" else "useful"
    for label, shortcut, said in (("accept", "A", teacher or opposite), ("reject", "X", opposite)):
        _button(label, shortcut, partial(_judge, table, said, None), table.case, help=meaning, disabled=silent)


def details(table: Table) -> None:
    """Offer a note and tags of failure type; both are kept as soon as they are entered."""
    word, name = table.word, f"{table.annotator}-{table.waiting.rule == ADJUDICATION}-{'-'.join(key(table.case))}"
    note, tags = f"note-{name}", f"tags-{name}"
    # Seeded once, not given as the field's value: a value that follows the store makes a new field, with the old input.
    held = st.session_state.setdefault(tags, list(word.tags) if word else [])
    st.session_state.setdefault(note, word.note if word else "")
    left, right = components.columns("two", [1, 1])
    with left:
        st.text_input(
            "Note, if you have one", key=note, max_chars=2_000,
            on_change=_guarded, args=(lambda: _noted(table, note=str(st.session_state[note]).strip()),),
        )  # fmt: skip
    with right:
        st.multiselect(
            "Type of failure", list(dict.fromkeys([*TAGS, *held])), key=tags,
            accept_new_options=True, placeholder="Choose, or write your own", max_selections=8,
            on_change=_guarded, args=(lambda: _noted(table, tags=tuple(st.session_state[tags])),),
        )  # fmt: skip


def _button(
    label: str,
    shortcut: str,
    act: Callable[[], None],
    case: HardCase | None = None,
    *,
    stands: bool = False,
    **look: Any,
) -> None:
    """Draw a key; one for a `case` is that case's own, so that pressed late it acts on what the person saw."""
    name = "-".join(("do", label, *(key(case) if case else ())))
    st.button(
        label, key=name, shortcut=shortcut, type="primary" if stands else "secondary",
        on_click=_guarded, args=(act,), **look,
    )  # fmt: skip


def _guarded(act: Callable[[], None]) -> None:
    """Do what a key asks for; if it cannot be kept, say so, and nothing moves on."""
    try:
        act()
    except WorkbenchError as problem:
        st.session_state["verdict-trouble"] = f"The verdict was not kept. {problem}"


def _judge(table: Table, verdict: Verdict, grade: int | None) -> None:
    table.keep(verdict=verdict, grade=grade)
    st.toast(f"Kept: {verdict}")
    _go(table.waiting.following(table.case) if table.swift else table.case)


def _noted(table: Table, **changes: Any) -> None:
    table.keep(**changes)
    st.toast(f"Kept: {' and '.join(changes)}")
    _go(table.case)


def _flag(table: Table, flagged: bool) -> None:
    table.keep(flagged=flagged)
    _go(table.case)


def _skip(table: Table) -> None:
    table.keep(verdict="skipped", grade=None)
    _go(table.waiting.following(table.case))


def _undo(store: Store, waiting: Queue, annotator: str) -> None:
    taken = undo(store, annotator)
    for name in [str(name) for name in st.session_state if str(name).startswith(("note-", "tags-"))]:
        del st.session_state[name]  # what stands now is in the store
    st.toast(f"Taken back: {len(taken):,} verdicts" if len(taken) > 1 else "Taken back")
    last = taken[-1][:2]
    _go(next((case for case in waiting.cases if key(case) == last), None))


def _go(case: HardCase | None) -> None:
    """Put another case on the table; none leaves it to the queue which one."""
    if case:
        st.query_params["query"], st.query_params["passage"] = key(case)
    else:
        for name in ("query", "passage"):
            st.query_params.pop(name, None)


def _submit(table: Table) -> None:
    if table.waiting.state(table.case) == "pending":
        st.toast("Nothing is judged yet: give a grade, or skip.")
        _go(table.case)
        return
    _go(table.waiting.following(table.case))


def _teachers_word(case: HardCase) -> Verdict | None:
    role = usefulness(case.utility)
    return None if role is None else "useful" if (case.utility or 0) > 0 else "useless"


def _ranks(case: HardCase) -> tuple[tuple[str, None], ...]:
    before = () if case.before is None else ((f"rank {case.before:,} before", None),)
    if case.after is None:
        return before
    return (*before, (f"rank {case.after:,} after" if before else f"rank {case.after:,}", None))
