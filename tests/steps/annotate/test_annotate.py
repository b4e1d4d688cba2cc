"""Annotate: a verdict is written down for good, and only about what is there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.steps.annotate.annotate import annotate, annotate_all, undo
from workbench.steps.annotate.annotator_agreement import annotator_agreement
from workbench.store import Store, views


def test_a_verdict_is_kept_with_who_when_and_why(store: Store) -> None:
    before = datetime.now(UTC)
    made = annotate(store, "q1", "p 2", "harmful", "ada", note="  misleads ", rule="useless but near")
    assert views.verdicts(store) == [made]
    assert made[:6] == ("q1", "p 2", "ada", "harmful", "misleads", "useless but near")
    assert before <= made.created <= datetime.now(UTC)


def test_a_later_verdict_follows_and_replaces_nothing(store: Store) -> None:
    for verdict in ("useful", "unsure"):
        annotate(store, "q1", "ü", verdict)
    assert [said.verdict for said in views.verdicts(store)] == ["useful", "unsure"]
    assert [said[2:4] for said in views.verdicts(store, latest=True)] == [("anonymous", "unsure")]


def test_nothing_is_written_about_what_is_not_there(store: Store) -> None:
    with pytest.raises(UnknownName, match="query"):
        annotate(store, "q99", "p/1", "useful")
    with pytest.raises(UnknownName, match="passage"):
        annotate(store, "q1", "p99", "useful")
    with pytest.raises(BadSetting, match="useful, useless, harmful, unsure"):
        annotate(store, "q1", "p/1", "splendid")  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="4 is not a grade"):
        annotate(store, "q1", "p/1", "useful", grade=4)
    with pytest.raises(BadSetting, match="too long for a tag"):
        annotate(store, "q1", "p/1", "useful", tags=["x" * 61])
    with pytest.raises(UnknownName, match="p99"):
        annotate_all(store, [("q1", "p/1"), ("q1", "p99")], "useful")
    assert views.verdicts(store) == []


def test_grade_tags_and_flag_stand_beside_the_verdict(store: Store) -> None:
    made = annotate(store, "q1", "ü", "useful", "ada", grade=2, tags=["off  topic ", "mine", "mine", " "], flagged=True)
    assert views.verdicts(store) == [made]
    assert (made.grade, made.tags, made.flagged) == (2, ("off topic", "mine"), True)
    (case,) = views.annotated(store)
    assert (case.grade, case.tags, case.flagged) == (2, ["off topic", "mine"], True)


def test_marks_are_facts_but_no_verdicts(store: Store) -> None:
    annotate(store, "q1", "ü", "skipped", "ada")
    annotate(store, "q1", "p 2", "draft", "ada", note="hm")
    assert [word.verdict for word in views.last_words(store, "ada")] == ["skipped", "draft"]
    assert views.verdicts(store, latest=True) == []
    assert list(views.annotated(store)) == []
    assert views.decided(store) == {}


def test_undo_withdraws_in_turn_and_what_was_given_together_together(store: Store) -> None:
    annotate(store, "q1", "ü", "useful", "ada", grade=3, note="why", tags=["mine"])
    annotate_all(store, [("q1", "p 2"), ("q1", "03"), ("q1", "p 2")], "useless", "ada")
    annotate(store, "q1", "p 2", "useful", "bob")
    assert {word.passage_id for word in undo(store, "ada")} == {"p 2", "03"}
    assert [(word.annotator, word.passage_id) for word in views.verdicts(store, latest=True)] == [
        ("ada", "ü"),
        ("bob", "p 2"),
    ]
    (withdrawn,) = undo(store, "ada")
    assert (withdrawn.verdict, withdrawn.grade, withdrawn.note, withdrawn.tags) == ("withdrawn", None, "why", ("mine",))
    with pytest.raises(NothingToDo, match="verdict of ada"):
        undo(store, "ada")
    assert len(views.verdicts(store)) == 7, "nothing is deleted"


def test_undo_takes_back_the_last_act_and_what_stood_before_stands_again(store: Store) -> None:
    first = annotate(store, "q1", "ü", "useful", "ada", grade=3, tags=["mine"])
    second = annotate(store, "q1", "p 2", "useless", "ada")
    annotate(store, "q1", "ü", "useful", "ada", grade=3, tags=["mine"], note="why")
    annotate(store, "q1", "03", "draft", "ada", note="hm")

    def standing() -> list[tuple[object, ...]]:
        return [word._replace(created=first.created) for word in views.verdicts(store, latest=True)]

    assert [(word.passage_id, word.note) for word in undo(store, "ada")] == [("03", "hm")]
    assert [(word.passage_id, word.note) for word in undo(store, "ada")] == [("ü", "why")]
    assert sorted(standing()) == sorted([first, second._replace(created=first.created)])
    assert [word.passage_id for word in undo(store, "ada")] == ["p 2"]
    assert standing() == [first]
    annotate(store, "q1", "ü", "harmful", "ada")
    annotate(store, "q1", "ü", "useful", "ada", grade=3, tags=["mine"])
    undo(store, "ada")
    assert [word.verdict for word in views.verdicts(store, latest=True)] == ["harmful"]
    undo(store, "ada")
    assert standing() == [first]
    undo(store, "ada")
    assert standing() == []
    with pytest.raises(NothingToDo, match="verdict of ada"):
        undo(store, "ada")


def test_the_majority_decides_unless_an_adjudicator_does(store: Store) -> None:
    for who, verdict in (("ada", "useful"), ("bob", "useful"), ("cleo", "harmful"), ("dan", "unsure")):
        annotate(store, "q1", "ü", verdict, who, grade={"ada": 3, "bob": 1}.get(who))  # type: ignore[arg-type]
    annotate(store, "q1", "03", "useful", "ada")
    annotate(store, "q1", "03", "useless", "bob")
    annotate(store, "q1", "p 2", "unsure", "ada")
    assert views.decisions(store) == [
        ("q1", "ü", "useful", 1, "majority", 4),
        ("q1", "p 2", "unsure", None, "agreed", 1),
    ]
    assert [(each.passage_id, each.settled) for each in views.disputes(store)] == [("ü", None), ("03", None)]
    annotate(store, "q1", "03", "harmful", "ada", rule="adjudication")
    assert views.decided(store)["q1", "03"] == "harmful"
    settled = views.disputes(store)[1]
    assert settled.settled is not None
    assert [(word.annotator, word.verdict) for word in settled.verdicts] == [("ada", "useful"), ("bob", "useless")]
    undo(store, "ada")
    assert ("q1", "03") not in views.decided(store)
    assert len(views.verdicts(store, latest=True)) == 7


def test_agreement_leaves_out_the_unsure_and_the_adjudicator(store: Store) -> None:
    words = {"p/1": ("useful", "useful"), "p 2": ("useless", "useless"), "03": ("useful", "harmful"), "ü": ("useful",)}
    for passage_id, given in words.items():
        for who, verdict in zip(("ada", "bob"), given, strict=False):
            annotate(store, "q1", passage_id, verdict, who, grade=0 if verdict == "useless" else None)  # type: ignore[arg-type]
    annotate(store, "q1", "ü", "unsure", "bob")
    annotate(store, "q1", "03", "useful", "cleo", rule="adjudication")
    found = annotator_agreement(store)
    # Two of three alike; by chance (2/3)(1/3) + (1/3)(1/3) + 0 = 1/3: kappa 1/2. Coincidences: 2 useful-useful,
    # 2 useless-useless, 1 each way between useful and harmful; n = 3, 2, 1: alpha = 1 - 5 * 2 / 22.
    assert found.twos == (("ada", "bob", 3, pytest.approx(2 / 3), pytest.approx(0.5)),)
    assert found.nominal == pytest.approx(1 - 5 * 2 / 22)
    assert (found.annotators, found.pairs, found.disputed, found.settled) == (("ada", "bob"), 3, 1, 1)
    assert (found.grades, found.graded) == (None, 1), "all the same grade"
    assert "alpha 0.545 (nominal) over 3 shared pairs of 2 annotators; 1 disputed, 1 of them settled" in found.in_words
