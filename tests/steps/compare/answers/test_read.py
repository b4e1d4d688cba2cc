"""Read: what a reader is asked, what is kept, and F1 and EM beside the measures of rankings."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.conftest import PASSAGES, QUERIES, run
from tests.shell import worked
from tests.steps.compare.answers.scripted import FirstWords
from tests.ui.pages import trained_student
from workbench.errors import BadSetting, NothingToDo
from workbench.evaluation.measures import MEASURES
from workbench.records import Hit, Passage, Qrel, Query
from workbench.store import Store

Q2 = "http://q/2?x=1"
F1, EM = "F1(first-words-2)@1", "EM(first-words-2)@1"

# The toy workspace: `before` has "p 2" ("Oil is …") first for q1 and "03" ("Rivers run …") for q2, `after` has "p/1"
# ("The embargo …") and "ü" ("The sea …"). References: the embargo; the sea.


def test_answers_are_measured_like_rankings_by_hand(store: Store) -> None:
    reader = FirstWords()
    before, after = (wb.read(store, student, reader, depth=1) for student in ("before", "after"))
    assert reader.read == [(Q2, ("03",)), ("q1", ("p 2",)), (Q2, ("ü",)), ("q1", ("p/1",))]
    assert (before.queries, before.asked, before.failures, before.remaining) == (2, 2, 0, 0)
    assert [(name, mean.mean, mean.n) for name, mean in after.measures.items()] == [(F1, 1.0, 2), (EM, 1.0, 2)]
    assert "F1 1.000" in after.in_words
    diff = wb.diff(store, "before", "after", "F1")
    assert diff.measure == F1
    assert [(delta.query_id, delta.before, delta.after) for delta in diff.deltas] == [(Q2, 0, 1), ("q1", 0, 1)]
    assert (diff.counts.in_words, diff.unanswered) == ("2 answered queries", 0)
    assert diff.comparison.verdict == "no difference shown"
    assert [one.measure for one in diff.comparisons] == [F1, *MEASURES, EM]


def test_every_verb_that_measures_runs_shows_them(store: Store) -> None:
    for student in ("before", "after"):
        wb.read(store, student, FirstWords(), depth=1)
    assert wb.compare_runs(store, ["before", "after"], ["EM@1", "R@1"]).measures == (EM, "R@1")
    rows = {row.student: row.measures for row in wb.leaderboard(store, measure="F1").students}
    assert {student: measures[F1].mean for student, measures in rows.items()} == {"before": 0.0, "after": 1.0}
    assert wb.leaderboard(store).measures == ("nDCG@10", "R@1", "AP", F1, EM)
    board = wb.diff(store, "before", "after").comparisons_frame().set_index("measure")
    assert board.loc[F1, "after"] == 1.0


def test_a_run_that_was_not_read_says_so_and_is_not_measured_by_what_it_shares(store: Store) -> None:
    wb.read(store, "before", FirstWords(), depth=1)
    store.add_run(run("alike"), [Hit("alike@test", "q1", "p 2", 1, 0.5), Hit("alike@test", Q2, "ü", 1, 0.5)])
    with pytest.raises(NothingToDo, match=r"alike has no answers to measure F1\(first-words-2\)@1.*workbench read"):
        wb.diff(store, "before", "alike", "F1")
    assert [one.measure for one in wb.diff(store, "before", "alike").comparisons][-1] == MEASURES[-2]
    rows = {row.student: row.measures for row in wb.leaderboard(store).students}
    assert F1 in rows["before"]
    assert F1 not in rows["alike"]
    assert "R@1" in rows["alike"]


def test_the_same_first_passages_are_read_once_for_all_runs(store: Store) -> None:
    wb.read(store, "before", FirstWords(), depth=1)
    store.add_run(run("alike"), [Hit("alike@test", "q1", "p 2", 1, 0.5), Hit("alike@test", Q2, "ü", 1, 0.5)])
    reader = FirstWords()
    result = wb.read(store, "alike", reader, depth=1)
    assert reader.read == [(Q2, ("ü",))]
    assert (result.queries, result.asked) == (2, 1)
    assert result.measures[F1].n == 2


def test_another_ranking_is_read_anew_and_measured_only_then(store: Store) -> None:
    wb.read(store, "before", FirstWords(), depth=1)
    store.add_run(run("before"), [Hit("before@test", "q1", "p/1", 1, 0.5), Hit("before@test", Q2, "03", 1, 0.5)])
    assert F1 not in wb.leaderboard(store).students[0].measures
    reader = FirstWords()
    assert wb.read(store, "before", reader, depth=1).measures[F1].mean == 0.5
    assert reader.read == [("q1", ("p/1",))]


def test_interrupted_it_goes_on_where_it_was(store: Store) -> None:
    stopped = wb.read(store, "before", FirstWords(interrupted_after=1), depth=2)
    assert (stopped.interrupted, stopped.asked, stopped.remaining, stopped.measures) == (True, 1, 1, {})
    assert "stopped with 1 to go" in stopped.in_words
    reader = FirstWords()
    assert wb.read(store, "before", reader, depth=2).measures
    assert reader.read == [("q1", ("p 2", "ü"))]


def test_a_failure_is_no_empty_answer_and_is_asked_again(store: Store) -> None:
    result = wb.read(store, "after", FirstWords(failing=frozenset({"q1"})), depth=1)
    assert (result.failures, result.reasons) == (1, {"the server hung up": 1})
    assert (result.measures[F1].mean, result.measures[F1].n) == (1.0, 1)
    wb.read(store, "before", FirstWords(), depth=1)
    assert [delta.query_id for delta in wb.diff(store, "before", "after", "F1").deltas] == [Q2]
    reader = FirstWords()
    assert wb.read(store, "after", reader, depth=1).measures[F1].n == 2
    assert reader.read == [("q1", ("p/1",))]


def test_a_query_without_a_ranking_is_answered_from_itself(store: Store) -> None:
    store.add_run(run("half"), [Hit("half@test", "q1", "p/1", 1, 0.5)])
    reader = FirstWords()
    assert wb.read(store, "half", reader, depth=1).measures[F1].mean == 0.5
    assert reader.read == [(Q2, ()), ("q1", ("p/1",))]


def test_no_qrels_are_needed(empty: Store) -> None:
    empty.add_collection(QUERIES, PASSAGES)
    empty.add_run(run("only"), [Hit("only@test", "q1", "p/1", 1, 0.5), Hit("only@test", Q2, "03", 1, 0.5)])
    assert wb.read(empty, "only", FirstWords(), depth=1).measures[F1].mean == 0.5
    empty.add_run(run("other"), [Hit("other@test", "q1", "p/1", 1, 0.5), Hit("other@test", Q2, "ü", 1, 0.5)])
    wb.read(empty, "other", FirstWords(), depth=1)
    assert wb.diff(empty, "only", "other", "F1").wins == 1
    assert "2 answered queries" in wb.leaderboard(empty, measure="F1").counts.in_words


def test_a_limit_takes_the_first_queries_by_id(store: Store) -> None:
    result = wb.read(store, "after", FirstWords(), depth=1, limit=1)
    assert (result.queries, result.measures[F1].n) == (1, 1)
    wb.read(store, "before", FirstWords(), depth=1)
    assert [delta.query_id for delta in wb.diff(store, "before", "after", "F1").deltas] == [Q2]


def test_another_text_makes_another_answer(store: Store) -> None:
    wb.read(store, "after", FirstWords(), depth=1)
    store.add_collection((), [Passage("ü", "Sea", "A desert is dry.")], replace=True)
    reader = FirstWords()
    assert wb.read(store, "after", reader, depth=1).measures[F1].mean == 0.5
    assert reader.read == [(Q2, ("ü",))]
    store.add_collection([Query("q1", "What raised prices?", ("the embargo",), "test")], replace=True)
    assert wb.read(store, "after", reader, depth=1).asked == 1


def test_a_passage_known_by_its_id_cannot_be_read(store: Store) -> None:
    store.add_collection((), [Passage("-id only", "", "")])
    store.add_run(run("odd"), [Hit("odd@test", "q1", "-id only", 1, 0.5), Hit("odd@test", Q2, "ü", 1, 0.5)])
    result = wb.read(store, "odd", FirstWords(), depth=1)
    assert result.reasons == {"a passage is known by its id only, such as -id only": 1}
    assert (result.measures[F1].n, result.remaining) == (1, 0)
    assert wb.read(store, "odd", FirstWords(), depth=1).asked == 1


def test_what_cannot_be_is_refused_with_a_way_out(store: Store) -> None:
    with pytest.raises(BadSetting, match="2 deep"):
        wb.read(store, "before", FirstWords(), depth=3)
    with pytest.raises(NothingToDo, match="No query of the dev split has a reference answer"):
        store.add_run(run("before", "dev"), [Hit("before@dev", "q4", "03", 1, 0.5)])
        wb.read(store, "before", FirstWords(), depth=1, split="dev")
    with pytest.raises(NothingToDo, match=r"No reader has answers for F1 here.*workbench read"):
        wb.diff(store, "before", "after", "F1")
    for words in (1, 2):
        wb.read(store, "before", FirstWords(words), depth=1)
    with pytest.raises(BadSetting, match=r"F1 may be one of 2 measures.*F1\(first-words-1\)@1, F1\(first-words-2\)@1"):
        wb.diff(store, "before", "before", "F1")
    assert wb.diff(store, "before", "before", "F1(first-words-2)").measure == F1


def test_recipes_are_compared_with_their_base_on_answers(store: Store) -> None:
    trained_student(store, "after", seed=1, dev=0.9)  # its base is `before`
    wb.read(store, "after", FirstWords(), depth=1)
    (unread,) = wb.leaderboard(store, measure="F1").recipes
    assert unread.in_words == "not evaluated: its base before has no measures on test"
    wb.read(store, "before", FirstWords(), depth=1)
    (recipe,) = wb.leaderboard(store, measure="F1").recipes
    assert recipe.comparison
    assert (recipe.comparison.measure, recipe.comparison.difference.mean, recipe.above_base) == (F1, 1.0, 1)


def test_answers_to_seen_queries_alone_have_no_unseen_part(store: Store) -> None:
    trained_student(store, "after", seed=1, dev=0.9)
    store.add_collection([Query("like q1", "Why did oil cost more?", (), "train")], (), [Qrel("like q1", "p/1", 1)])
    for student in ("before", "after"):
        wb.read(store, student, FirstWords(failing=frozenset({Q2})), depth=1)
    diff = wb.diff(store, "before", "after", "F1")
    assert diff.unseen
    assert (diff.unseen.seen, diff.unseen.unseen, diff.unseen_comparison) == (1, 0, None)
    assert "1 of 1 answered test query is seen in train, so none is left to measure a gain on" in diff.in_words
    assert "1 of 2 judged test queries are seen in train" in wb.diff(store, "before", "after").in_words
    assert wb.compare_runs(store, ["before", "after"], ["F1"]).against_unseen == ()
    (recipe,) = wb.leaderboard(store, measure="F1").recipes
    assert recipe.comparison
    assert recipe.unseen_comparison is None
    (ranked,) = wb.leaderboard(store).recipes
    assert ranked.unseen_comparison


def test_answers_can_be_read_beside_the_references(store: Store) -> None:
    wb.read(store, "after", FirstWords(failing=frozenset({"q1"})), depth=1)
    rows = wb.answers(store, "after").set_index("query_id")
    assert rows.loc[Q2, ["answer", "references", "F1", "EM", "reason", "passages"]].tolist() == [
        "The sea", ("the sea",), 1.0, 1.0, "", ("ü",),
    ]  # fmt: skip
    assert (rows.loc["q1", "reason"], rows["F1"].isna().tolist()) == ("the server hung up", [False, True])
    with pytest.raises(NothingToDo, match="No reader has answers for F1"):
        wb.answers(store, "before")


def test_the_shell_and_the_report_show_them(store: Store, tmp_path: Path) -> None:
    for student in ("before", "after"):
        wb.read(store, student, FirstWords(), depth=1)
    printed = worked("diff", "before", "after", "--measure", "EM", "--json", workspace=store.path)
    assert printed.json["diff"]["measure"] == EM
    assert F1 in worked("students", workspace=store.path).out
    worked("diff", "before", "after", "--measure", "F1", "--html", tmp_path / "diff.html", workspace=store.path)
    assert F1 in (tmp_path / "diff.html").read_text("utf-8")
