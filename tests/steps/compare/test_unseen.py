"""Every measure on the queries that train has not seen, beside the whole, wherever a gain is claimed."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.shell import shell, worked
from tests.steps.compare.leaking import SEEN, UNSEEN, leaking
from tests.workspaces import copy_of
from workbench import report, students
from workbench.records import Qrel, Query
from workbench.steps.compare.evaluate import measured
from workbench.steps.compare.model_card import about
from workbench.store import Store, views
from workbench.students.model_card import text


@pytest.fixture
def memory(tmp_path: Path) -> Store:
    return copy_of(leaking, tmp_path / "workspace")


def test_a_gain_that_is_all_memory_is_shown_on_the_whole_and_not_on_the_unseen(memory: Store) -> None:
    diff = wb.diff(memory, "base", "memory", "RR")
    assert diff.comparison.verdict == "better"
    assert diff.unseen_comparison is not None
    assert diff.unseen_comparison.verdict == "no difference shown"
    assert diff.unseen_comparison.difference.n == UNSEEN
    assert (
        f"{SEEN} of {SEEN + UNSEEN} judged test queries are seen in train: on the other {UNSEEN} RR 0.667 to 0.667"
        in (diff.in_words)
    )
    assert {delta.query_id for delta in diff.deltas if not delta.seen} == {f"unseen{n:02}" for n in range(UNSEEN)}
    assert diff.to_frame()["seen"].sum() == SEEN


def test_the_unseen_part_is_tested_by_itself_as_the_whole_is(memory: Store) -> None:
    diff = wb.diff(memory, "base", "memory", "RR", also=["R@1", "nDCG@10"])
    assert [one.measure for one in diff.unseen_comparisons] == [one.measure for one in diff.comparisons]
    assert [(one.secondary, one.family) for one in diff.unseen_comparisons] == [(False, 1), (True, 2), (True, 2)]
    many = wb.compare_runs(memory, ["base", "memory", "other"], ["RR", "R@1"])
    assert [row.comparison.verdict for row in many.against if row.student == "memory"] == ["better", "better"]
    assert {row.comparison.verdict for row in many.against_unseen} == {"no difference shown"}
    assert many.against_unseen[0].comparison == diff.unseen_comparison
    assert [row.selection_p for row in many.against_unseen] == [1.0] * 4
    assert "on the other 30 the verdicts are 4 no difference shown" in many.in_words


def test_evaluations_students_and_cards_say_it_too(memory: Store) -> None:
    evaluation = measured(memory, views.find_run(memory, "memory", "test"))
    assert evaluation.unseen_measures["R@1"].n == UNSEEN
    assert evaluation.unseen_measures["R@1"].mean < evaluation.measures["R@1"].mean
    assert evaluation.to_frame()["unseen_queries"].tolist() == [UNSEEN] * len(evaluation.measures)
    assert "on the other 30" in evaluation.in_words
    board = wb.leaderboard(memory, measure="RR")
    (recipe,) = board.recipes
    assert recipe.unseen_comparison is not None
    assert (recipe.verdict, recipe.unseen_comparison.verdict) == ("better", "no difference shown")
    assert "on the 30 queries not seen in train" in board.in_words
    assert board.to_frame()["unseen_verdict"].tolist() == ["no difference shown"]
    student = students.read(memory.students / "memory")
    card = text(student, about(memory, student))
    assert f"{SEEN} of {SEEN + UNSEEN} test queries are seen in train: {SEEN} by a relevant passage in common" in card
    assert "| nDCG@10, unseen |" in card


def test_shell_and_report_show_both(memory: Store) -> None:
    printed = worked("diff", "base", "memory", "--measure", "RR", workspace=memory.path).out
    assert "On the 30 queries not seen in train" in printed
    assert "better than before. 40 of 70 judged test queries are seen in train: on the other 30" in printed
    unseen = worked("diff", "base", "memory", "--only", "unseen", "--json", workspace=memory.path).json
    assert len(unseen["shown"]) == UNSEEN
    measured = {"split": "test", "measured": SEEN + UNSEEN, "seen": SEEN, "answered": False}
    assert unseen["diff"]["unseen"] == measured
    assert len(unseen["diff"]["unseen_comparisons"]) == len(unseen["diff"]["comparisons"])
    listed = worked("students", workspace=memory.path).out
    assert "nDCG@10, unseen" in listed
    many = worked("diff", "base", "memory", "other", workspace=memory.path).out
    assert many.count("On the 30 queries not seen in train") == 2
    document = report.page(memory, report.Report(wb.diff(memory, "base", "memory")))
    assert "on the 30 queries not seen in train</h2>" in document


def test_without_a_leak_nothing_is_said(store: Store) -> None:
    diff = wb.diff(store, "before", "after")
    assert (diff.unseen, diff.unseen_comparisons) == (None, ())
    assert measured(store, views.find_run(store, "after", "test")).unseen is None
    assert "seen" not in worked("diff", "before", "after", workspace=store.path).out
    assert "unseen" not in worked("students", workspace=store.path).out


def test_where_all_is_seen_nothing_is_left_to_measure(store: Store) -> None:
    store.add_collection(
        [Query("t1", "one", (), "train"), Query("t2", "two", (), "train")],
        (),
        [Qrel("t1", "p/1", 1), Qrel("t2", "03", 1)],
    )
    diff = wb.diff(store, "before", "after")
    assert diff.unseen_comparisons == ()
    assert "2 of 2 judged test queries are seen in train, so none is left to measure a gain on." in diff.in_words
    evaluation = measured(store, views.find_run(store, "after", "test"))
    assert (evaluation.unseen_measures, evaluation.to_frame()["unseen"].isna().all()) == ({}, True)
    assert "none is left" in worked("diff", "before", "after", workspace=store.path).out
    assert wb.compare_runs(store, ["before", "after"]).against_unseen == ()


def test_the_relevance_that_counts_decides_what_is_seen(memory: Store) -> None:
    with memory.write() as connection:
        connection.execute("update qrels set relevance = 2 where query_id not in ('train00', 'train01')")
    diff = wb.diff(memory, "base", "memory", relevance=2)
    assert diff.unseen is not None
    assert diff.unseen.seen == SEEN - 2


def test_evaluating_finds_near_duplicates_that_nobody_looked_for(memory: Store) -> None:
    memory.add_collection([Query("copy", "about unseen00!", (), "train")])
    assert wb.diff(memory, "base", "memory").unseen is not None
    assert shell("evaluate", "bm25", workspace=memory.path).code == 0
    assert wb.evaluate(memory, "bm25").unseen == wb.diff(memory, "base", "memory").unseen
    assert views.seen_queries(memory, "test")["unseen00"].near_query
