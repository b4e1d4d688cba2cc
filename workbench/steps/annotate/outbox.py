"""An annotator's outbox: the acts that a browser sends, each kept once however often it arrives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from workbench.errors import BadSetting, NothingToDo, UnknownName, WorkbenchError
from workbench.steps.annotate.annotate import ANONYMOUS, annotate, undo
from workbench.store import Store, views
from workbench.store.views import ADJUDICATION

Pair = tuple[str, str]
MOST_LETTERS = 2_000  # of a note
_NOTHING: dict[str, Any] = {"verdict": "draft", "note": "", "grade": None, "tags": (), "flagged": False}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "verdict": str,
    "note": str,
    "grade": (int, type(None)),
    "tags": list,
    "flagged": bool,
}


class Act(NamedTuple):
    """What an annotator did: `changes` to the last annotation of a pair; without any, an undo of the last act.

    `idempotency_key` was made where the act was done, and comes again with it if it has to be sent again.
    """

    idempotency_key: str
    annotator: str
    pair: Pair
    rule: str
    changes: dict[str, Any]


@dataclass(frozen=True)
class Receipt:
    """What became of the acts, by their keys: `kept`; `refused`, with the reason; the others wait, `waiting` says why.

    `withdrawn` names the pairs of which an undo took an annotation back.
    """

    kept: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    withdrawn: dict[str, list[Pair]] = field(default_factory=dict)
    waiting: str = ""


def receive(store: Store, sent: Iterable[Mapping[str, Any]]) -> Receipt:
    """Keep the acts that a browser sent, in their order, each once; stop at the first that the store cannot keep now.

    An act that can never be kept, such as a grade of a passage that is gone, is refused, and the next one is kept.
    """
    kept: list[str] = []
    refused: dict[str, str] = {}
    withdrawn: dict[str, list[Pair]] = {}
    messages = list(sent)
    try:
        known = views.received(store, [str(message.get("idempotency_key")) for message in messages])
        for message in messages:
            key = str(message.get("idempotency_key"))
            try:
                if key not in known:
                    pairs = _apply(store, _parsed(message))
                    withdrawn |= {key: pairs} if pairs else {}
                kept.append(key)
            except (BadSetting, NothingToDo, UnknownName) as reason:
                refused[key] = str(reason)
    except WorkbenchError as reason:
        return Receipt(kept, refused, withdrawn, str(reason))
    return Receipt(kept, refused, withdrawn)


def _parsed(message: Mapping[str, Any]) -> Act:
    """Return a message as an act; BadSetting if it is none."""
    texts = [message.get(name, "") for name in ("idempotency_key", "annotator", "query_id", "passage_id", "rule")]
    changes = message.get("changes", {})
    if not all(isinstance(text, str) for text in texts) or not texts[0] or not isinstance(changes, dict):
        raise BadSetting("The browser sent something that is no verdict.", "Reload the page.")
    for name, value in changes.items():
        if name not in _KINDS or not isinstance(value, _KINDS[name]):
            raise BadSetting(f"{name} = {value!r} is nothing that an annotation holds.", "Reload the page.")
    key, annotator, query_id, passage_id, rule = cast(list[str], texts)
    if len(changes.get("note", "")) > MOST_LETTERS:
        raise BadSetting(f"A note has at most {MOST_LETTERS:,} letters.", "Shorten it.")
    return Act(key, annotator.strip() or ANONYMOUS, (query_id, passage_id), rule, changes)


def _apply(store: Store, act: Act) -> list[Pair]:
    """Append what an act changes, read anew, for others may have written; return the pairs that it took back."""
    if not act.changes:
        return [row[:2] for row in undo(store, act.annotator, idempotency_key=act.idempotency_key)]
    rows = views.last_words(store, act.annotator, act.pair)
    rows = [row for row in rows if (row.rule == ADJUDICATION) == (act.rule == ADJUDICATION)]
    last = {name: getattr(rows[-1], name) for name in _NOTHING} if rows else _NOTHING
    if last["verdict"] == "withdrawn":
        last = last | {"verdict": "draft"}
    wanted = last | act.changes
    unchanged = wanted | {"tags": tuple(wanted["tags"])} == last
    if unchanged and (rows or "verdict" not in act.changes):
        store.add_annotations([], act.idempotency_key)
    else:
        key = act.idempotency_key
        annotate(store, *act.pair, annotator=act.annotator, rule=act.rule, idempotency_key=key, **wanted)
    return []
