"""The keys that judge the case on screen, each verdict kept at once, and the fields for a note and tags."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import streamlit as st

from workbench.errors import WorkbenchError
from workbench.records import Verdict
from workbench.steps.annotate.annotate import TAGS, undo
from workbench.store import Store
from workbench.store.views import HardCase
from workbench.ui.annotate.case_queue import Queue, pair_ids
from workbench.ui.annotate.on_screen import CaseOnScreen, put_on_screen
from workbench.ui.shell import components

FAILURE = "annotation-failure"  # where a callback leaves, in the session, what it could not keep


class Judgement(NamedTuple):
    """A verdict with the key that gives it. Streamlit keeps R, C and punctuation to itself."""

    shortcut: str
    label: str
    verdict: Verdict
    grade: int | None
    meaning: str


JUDGEMENTS = (
    Judgement("0", "useless", "useless", 0, "It neither helps nor misleads."),
    Judgement("1", "helps a little", "useful", 1, "It helps to answer, a little."),
    Judgement("2", "helps", "useful", 2, "It helps to answer."),
    Judgement("3", "answers it", "useful", 3, "It answers the query in full."),
    Judgement("H", "harmful", "harmful", None, "It would mislead whoever answers from it."),
    Judgement("N", "unsure", "unsure", None, "You cannot tell; that is a verdict too."),
)
KEYS = (
    "Keys: 0 to 3 grade, H harmful, N unsure, A accept or X reject the teacher's verdict, F flag, S skip, U undo, "
    "← and → walk, Enter goes on to the next. Verdicts are kept at once; no key fires while you type in a field."
)


def keys(screen: CaseOnScreen, *, blind: bool) -> None:
    """Offer everything that can be done with the case, each with a key of its own."""
    with st.container(horizontal=True):
        _judgements(screen, blind)
    with st.container(horizontal=True):
        flagged = screen.annotation is not None and screen.annotation.flagged
        button = partial(_button, case=screen.case)
        button("flag", "F", partial(_flag, screen, not flagged), help="Asks for another look.", chosen=flagged)
        button("skip", "S", partial(_skip, screen), help="Goes to the tab “skipped”, for later.")
        undo_key(screen.store, screen.queue, screen.annotator)
        for label, shortcut, step in (("previous", "Left", -1), ("next", "Right", 1)):
            target = screen.queue.neighbour(screen.case, step)
            button(label, shortcut, partial(put_on_screen, target), disabled=target is None)
        button("submit and next", "Enter", partial(_submit, screen), help="Goes on to the next case of this tab.")
    components.remark(f"You judge as {screen.annotator}. {KEYS}")


def undo_key(store: Store, queue: Queue, annotator: str) -> None:
    """Offer to undo the last verdict; that is possible with no case on screen too."""
    _button("undo", "U", partial(_undo, store, queue, annotator), help="Takes back your last verdict, and shows it.")


def details(screen: CaseOnScreen) -> None:
    """Offer a note and tags of failure type; both are kept as soon as they are entered."""
    annotation, ids = screen.annotation, "-".join(pair_ids(screen.case))
    name = f"{screen.annotator}-{screen.queue.settles}-{ids}"
    note, tags = f"note-{name}", f"tags-{name}"
    # Seeded once, not given as the field's value: a value that follows the store makes a new field, with the old input.
    chosen = st.session_state.setdefault(tags, list(annotation.tags) if annotation else [])
    st.session_state.setdefault(note, annotation.note if annotation else "")
    left, right = components.columns("two", [1, 1])
    with left:
        st.text_input(
            "Note, if you have one", key=note, max_chars=2_000,
            on_change=_guarded, args=(lambda: _keep(screen, note=str(st.session_state[note]).strip()),),
        )  # fmt: skip
    with right:
        st.multiselect(
            "Type of failure", list(dict.fromkeys([*TAGS, *chosen])), key=tags,
            accept_new_options=True, placeholder="Choose, or write your own", max_selections=8,
            on_change=_guarded, args=(lambda: _keep(screen, tags=tuple(st.session_state[tags])),),
        )  # fmt: skip


def failure() -> None:
    """Show what the key that was pressed last could not keep."""
    if message := st.session_state.pop(FAILURE, ""):
        components.failed(message)


def _judgements(screen: CaseOnScreen, blind: bool) -> None:
    annotation, teacher = screen.annotation, screen.teachers_verdict
    for shortcut, label, verdict, grade, meaning in JUDGEMENTS:
        chosen = annotation is not None and (annotation.verdict, annotation.grade) == (verdict, grade)
        act = partial(_judge, screen, verdict, grade)
        _button(label, shortcut, act, screen.case, help=meaning, chosen=chosen)
    meaning = "hidden while you judge blind" if blind else f"The teacher finds it {teacher or 'nothing'}."
    opposite: Verdict = "useless" if teacher == "useful" else "useful"
    for label, shortcut, verdict in (("accept", "A", teacher or opposite), ("reject", "X", opposite)):
        act = partial(_judge, screen, verdict, None)
        _button(label, shortcut, act, screen.case, help=meaning, disabled=blind or teacher is None)


def _button(
    label: str,
    shortcut: str,
    act: Callable[[], None],
    case: HardCase | None = None,
    *,
    chosen: bool = False,
    **options: Any,
) -> None:
    """Draw a key; one for a `case` is that case's own, so that pressed late it acts on what the person saw."""
    name = "-".join(("do", label, *(pair_ids(case) if case else ())))
    st.button(
        label, key=name, shortcut=shortcut, type="primary" if chosen else "secondary",
        on_click=_guarded, args=(act,), **options,
    )  # fmt: skip


def _guarded(act: Callable[[], None]) -> None:
    """Do what a key asks for; if it cannot be kept, say so, and nothing moves on."""
    try:
        act()
    except WorkbenchError as error:
        st.session_state[FAILURE] = f"The verdict was not kept. {error}"


def _judge(screen: CaseOnScreen, verdict: Verdict, grade: int | None) -> None:
    screen.keep(verdict=verdict, grade=grade)
    st.toast(f"Kept: {verdict}")
    put_on_screen(screen.queue.following(screen.case) if screen.advance else screen.case)


def _keep(screen: CaseOnScreen, **changes: Any) -> None:
    screen.keep(**changes)
    st.toast(f"Kept: {' and '.join(changes)}")
    put_on_screen(screen.case)


def _flag(screen: CaseOnScreen, flagged: bool) -> None:
    screen.keep(flagged=flagged)
    put_on_screen(screen.case)


def _skip(screen: CaseOnScreen) -> None:
    screen.keep(verdict="skipped", grade=None)
    put_on_screen(screen.queue.following(screen.case))


def _undo(store: Store, queue: Queue, annotator: str) -> None:
    withdrawn = undo(store, annotator)
    for name in [str(name) for name in st.session_state if str(name).startswith(("note-", "tags-"))]:
        del st.session_state[name]  # what stands now is in the store
    st.toast(f"Taken back: {len(withdrawn):,} verdicts" if len(withdrawn) > 1 else "Taken back")
    last = withdrawn[-1][:2]
    put_on_screen(next((case for case in queue.cases if pair_ids(case) == last), None))


def _submit(screen: CaseOnScreen) -> None:
    if screen.queue.state(screen.case) == "pending":
        st.toast("No verdict yet: give a grade, or skip.")
        put_on_screen(screen.case)
        return
    put_on_screen(screen.queue.following(screen.case))
