"""The shell on agreement: annotators with one another, a student with its teacher."""

from __future__ import annotations

from tests.conftest import run, utility
from tests.shell import shell, worked
from workbench.records import Failure
from workbench.store import Store, views


def test_agreement_is_printed_and_a_dispute_is_settled(store: Store) -> None:
    assert "0 annotators have no pair in common" in worked("agreement", workspace=store.path).out
    for who, verdicts in (("ada", ("useful", "useless")), ("bob", ("useful", "useful"))):
        for passage, verdict in zip(("p/1", "p 2"), verdicts, strict=True):
            worked("annotate", "q1", passage, verdict, "--annotator", who, workspace=store.path)
    out = worked("agreement", workspace=store.path).out
    assert "alpha 0.000 (nominal) over 2 shared pairs of 2 annotators; 1 disputed, 0 of them settled" in out
    worked("annotate", "q1", "p 2", "harmful", "--adjudicate", "--annotator", "cleo", workspace=store.path)
    result = worked("agreement", "--json", workspace=store.path).json
    assert (result["disputed"], result["settled"], result["annotators"]) == (1, 1, ["ada", "bob"])
    assert views.decided(store)["q1", "p 2"] == "harmful"


def test_a_students_agreement_is_compared_before_and_after(store: Store) -> None:
    printed = worked("agreement", "after", "--before", "before", workspace=store.path)
    assert "after against toy, test: KL" in printed.out
    assert "median spread on the test split" in printed.err
    for heading in (
        "p (Holm)",
        "Performance gap recovered",
        "no lead shown",
        "calibration error",
        "Farthest from the teacher",
    ):
        assert heading in printed.out
    result = worked("agreement", "after", "--before", "before", "--json", workspace=store.path).json
    by_measure = {row["measure"]: row for row in result["comparisons"]}
    assert by_measure["regret"]["before"]["mean"] == 1.625
    assert by_measure["regret"]["after"]["mean"] == 0
    assert result["gap_recovered"][0]["share"] is None
    assert result["temperatures"]["student"] == 0.05


def test_a_student_alone_is_printed_with_the_meaning_of_each_measure(store: Store) -> None:
    heat = ("--teacher-temperature", 2, "--student-temperature", 0.1)
    printed = worked("agreement", "after", "--teacher", "to", *heat, "--show", 1, workspace=store.path)
    assert "temperatures: teacher 2 (given), student 0.1" in printed.err
    assert "Jensen-Shannon divergence" in printed.out
    assert "recovered" not in printed.out


def test_what_cannot_be_compared_is_refused_in_words(store: Store) -> None:
    assert "none is named" in shell("agreement", "--before", "before", workspace=store.path).err
    assert "There is no run of 'nobody'" in shell("agreement", "nobody", workspace=store.path).err
    assert (
        "The student's temperature is 0"
        in shell("agreement", "after", "--student-temperature", 0, workspace=store.path).err
    )
    store.add_run(run("mute"), [])
    assert "share no query" in shell("agreement", "mute", workspace=store.path).err


def test_a_teacher_that_only_failed_is_not_asked_for(store: Store) -> None:
    store.add_scored([Failure("q1", "p/1", "tall:1", "no room")])
    assert "against toy" in worked("agreement", "after", workspace=store.path).out
    assert worked("cases", "after", workspace=store.path).out


def test_of_two_teachers_it_asks_which(store: Store) -> None:
    store.add_scored([utility("q1", "p/1", 0.5, "tall:1")], "nats per token")
    refused = shell("agreement", "after", workspace=store.path)
    assert (refused.code, refused.out) == (1, "")
    assert "2 teachers have scored here.\nSay which one (--teacher): tall:1, toy." in refused.err
    assert "begin with 't'" in shell("agreement", "after", "--teacher", "t", workspace=store.path).err
    assert worked("agreement", "after", "--teacher", "to", workspace=store.path).out
