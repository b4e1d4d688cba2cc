"""What a browser sends is kept once, in order, on the pair it was about; what cannot be kept waits or is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import toy
from tests.profiles import examples
from tests.workspaces import copy_of
from workbench.errors import StoreBusy
from workbench.steps.annotate.annotate import undo
from workbench.steps.annotate.outbox import receive
from workbench.store import Store, views


def act(key: str, passage_id: str = "ü", query_id: str = "q1", rule: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "idempotency_key": key, "annotator": "ada", "query_id": query_id, "passage_id": passage_id, "rule": rule,
        "changes": changes,
    }  # fmt: skip


def last(store: Store) -> list[tuple[str, str, int | None, str]]:
    return [(row.passage_id, row.verdict, row.grade, row.note) for row in views.verdicts(store, latest=True)]


def test_what_is_sent_again_is_kept_once_even_after_a_later_verdict(store: Store) -> None:
    first, second = act("a", verdict="useful", grade=2), act("b", verdict="useful", grade=3)
    assert receive(store, [first]).kept == ["a"]
    assert receive(store, [first, second]).kept == ["a", "b"]
    assert receive(store, [first, second]).kept == ["a", "b"]
    assert [(row.verdict, row.grade) for row in views.verdicts(store)] == [("useful", 2), ("useful", 3)]
    assert receive(store, [{"idempotency_key": "u", "annotator": "ada"}]).withdrawn == {"u": [("q1", "ü")]}
    assert receive(store, [{"idempotency_key": "u", "annotator": "ada"}]).kept == ["u"]
    assert last(store) == [("ü", "useful", 2, "")], "one undo, however often it is sent"


def test_an_act_that_changes_nothing_writes_no_row_and_is_not_applied_later(store: Store) -> None:
    receive(store, [act("a", verdict="useful", grade=2, tags=["mine"])])
    same = act("b", verdict="useful", grade=2, tags=["mine"])
    assert receive(store, [same]).kept == ["b"]
    receive(store, [act("c", verdict="useless", grade=0)])
    assert receive(store, [same]).kept == ["b"]
    assert [row.verdict for row in views.verdicts(store)] == ["useful", "useless"]


def test_a_note_before_and_after_a_verdict_stays_with_the_pair(store: Store) -> None:
    receive(store, [act("a", note="look again")])
    assert [(row.verdict, row.note) for row in views.last_words(store, "ada")] == [("draft", "look again")]
    assert last(store) == []
    receive(store, [act("b", verdict="useful", grade=1), act("c", flagged=True), act("d", "p 2", verdict="skipped")])
    (row,) = views.verdicts(store, latest=True)
    assert (row.verdict, row.grade, row.note, row.flagged) == ("useful", 1, "look again", True)


def test_a_verdict_after_an_undo_starts_from_what_is_left(store: Store) -> None:
    receive(store, [act("a", note="why"), act("b", verdict="useful", grade=1)])
    undo(store, "ada")
    receive(store, [act("c", verdict="useless", grade=0)])
    assert last(store) == [("ü", "useless", 0, "why")]


def test_an_adjudicators_verdict_stands_beside_the_same_persons_own(store: Store) -> None:
    receive(store, [act("a", verdict="useful", grade=3, note="mine"), act("b", rule="adjudication", verdict="harmful")])
    assert [(row.verdict, row.note, row.rule) for row in views.last_words(store, "ada", ("q1", "ü"))] == [
        ("useful", "mine", ""),
        ("harmful", "", "adjudication"),
    ]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (act("x", "gone", verdict="useful"), "gone"),
        (act("x", verdict="splendid"), "'splendid' is not a verdict"),
        (act("x", verdict="useful", grade=9), "9 is not a grade"),
        (act("x", verdict="useful", grade="3"), "grade = '3' is nothing"),
        (act("x", annotator="eve"), "annotator = 'eve' is nothing"),
        (act("x", note="n" * 2_001), "at most 2,000 letters"),
        (act("x", tags=["t" * 61]), "too long for a tag"),
        ({"idempotency_key": "x", "annotator": "nobody"}, "no verdict of nobody"),
        ({"idempotency_key": "x", "annotator": 3}, "no verdict"),
    ],
)
def test_what_can_never_be_kept_is_refused_and_the_next_is_kept(
    store: Store, sent: dict[str, Any], reason: str
) -> None:
    receipt = receive(store, [sent, act("y", verdict="useful", grade=1)])
    assert reason in receipt.refused["x"]
    assert receipt.kept == ["y"]
    assert last(store) == [("ü", "useful", 1, "")]


def test_a_busy_store_keeps_what_it_can_and_the_rest_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [act("a", verdict="useful", grade=1), act("b", "p 2", verdict="useless", grade=0)]
    add, calls = Store.add_annotations, []

    def busy_at_second(self: Store, *arguments: Any) -> bool:
        calls.append(arguments)
        if len(calls) == 2:
            raise StoreBusy("The file is kept busy by process 7.", "Close it.")
        return add(self, *arguments)

    monkeypatch.setattr(Store, "add_annotations", busy_at_second)
    receipt = receive(store, sent)
    assert (receipt.kept, receipt.refused) == (["a"], {})
    assert "kept busy by process 7" in receipt.waiting
    assert receive(store, sent).kept == ["a", "b"]
    assert last(store) == [("ü", "useful", 1, ""), ("p 2", "useless", 0, "")]


@pytest.mark.slow
@examples(10)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 3)), min_size=1, max_size=8), st.data())
def test_whatever_is_lost_or_repeated_each_pair_ends_as_if_all_had_come_once(
    tmp_path_factory: pytest.TempPathFactory, keys: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    """The browser sends all that was not acknowledged; an acknowledgement may be lost."""
    store = copy_of(toy, tmp_path_factory.mktemp("outbox") / "w")
    passages = ["p/1", "p 2", "03", "ü"]
    acts = [act(f"k{at}", passages[one], verdict="useful", grade=grade) for at, (one, grade, _) in enumerate(keys)]
    waiting: list[dict[str, Any]] = []
    for one, (_, _, times) in zip(acts, keys, strict=True):
        waiting.append(one)
        for _ in range(times):
            kept = receive(store, waiting).kept
        if data.draw(st.booleans()):
            waiting = [other for other in waiting if other["idempotency_key"] not in kept]
    expected = {passages[one]: grade for one, grade, _ in keys}
    assert {row.passage_id: row.grade for row in views.verdicts(store, latest=True)} == expected
