"""Evaluate: rankings are kept, measures are asked of them, and both can be checked by hand."""

from __future__ import annotations

from functools import partial
from math import log2
from pathlib import Path

import pyarrow as pa
import pytest

from tests import tiny
from tests.conftest import PASSAGES, QRELS, QUERIES
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Hit, Passage, Run
from workbench.steps.compare.diff import diff
from workbench.steps.compare.evaluate import evaluate, measured
from workbench.steps.ship.export_student import export_student
from workbench.steps.ship.push import files_to_push
from workbench.steps.teach.candidates import candidates
from workbench.steps.teach.planning.plan import plan
from workbench.store import Store, add_ranking, views
from workbench.trainer import TrainSettings

Q2 = "http://q/2?x=1"


@pytest.fixture
def student(tmp_path: Path) -> str:
    folder = tmp_path / "tiny student"
    tiny.static().save_pretrained(str(folder), create_model_card=False)
    return str(folder)


def deep(store: Store, name: str, depth: int) -> Run:
    """Return a run of the toy workspace, read down to another depth."""
    return views.find_run(store, name, "test")._replace(depth=depth)


def test_measures_by_hand_end_at_the_depth(store: Store) -> None:
    # q1's one relevant passage is third before and first after, q2's is first before and third after
    found = measured(store, deep(store, "before", 4)).measures
    assert found["R@1"].mean == found["Success@1"].mean == 0.5
    assert found["R@5"].mean == 1.0
    assert found["AP"].mean == found["RR"].mean == pytest.approx((1 / 3 + 1) / 2)
    assert found["nDCG@10"].mean == pytest.approx((1 / log2(4) + 1) / 2)
    cut = measured(store, deep(store, "before", 2)).measures
    assert cut["AP"].mean == cut["nDCG@10"].mean == cut["R@10"].mean == 0.5


def test_a_run_keeps_its_candidates_below_the_depth_with_their_true_rank(store: Store, student: str) -> None:
    full = evaluate(store, student, depth=4)
    ranks = {(hit.query_id, hit.passage_id): hit[3:] for hit in views.hits(store, deep(store, student, 4))}
    cut = evaluate(store, student, depth=1)
    run = views.find_run(store, student, "test")
    assert (run.depth, cut.queries, full.queries) == (1, 2, 2)
    assert {(hit.query_id, hit.passage_id): hit[3:] for hit in views.hits(store, run)} == ranks
    assert sorted(rank for (query_id, _), (rank, _) in ranks.items() if query_id == "q1") == [1, 2, 3, 4]
    assert {query_id: len(ranked) for query_id, ranked in views.rankings(store, run).items()} == {"q1": 1, Q2: 1}


def test_passages_that_are_no_candidates_are_kept_down_to_the_depth_only(empty: Store, student: str) -> None:
    empty.add_collection(QUERIES, PASSAGES, QRELS)
    evaluate(empty, student, depth=3)
    assert len(views.hits(empty, views.find_run(empty, student, "test"))) == 6


def test_evaluated_again_there_is_one_run_and_it_is_the_new_one(store: Store, student: str) -> None:
    evaluate(store, student, depth=1)
    evaluate(store, student, depth=2)
    assert [run.depth for run in views.runs(store) if run.student == student] == [2]
    assert len(views.hits(store, views.find_run(store, student, "test"))) == 8


def test_a_judged_query_without_an_answer_counts_as_zero_and_is_counted(store: Store) -> None:
    store.add_run(views.find_run(store, "after", "test"), [Hit("after@test", "q1", "p/1", 1, 0.5)])
    found = measured(store, views.find_run(store, "after", "test"))
    assert (found.judged, found.queries, found.measures["R@1"].mean) == (2, 1, 0.5)
    assert diff(store, "before", "after").unanswered == 1


def test_a_query_that_nobody_judged_is_ranked_but_not_measured(store: Store, student: str) -> None:
    store.add_collection([QUERIES[0]._replace(query_id="q9", text="the oil")._replace(split="test")])
    found = evaluate(store, student)
    assert (found.queries, found.judged) == (3, 2)
    assert all(value.n == 2 for value in found.measures.values())


@pytest.mark.parametrize("name", ["student", "bm25"])
def test_passages_are_read_part_by_part(empty: Store, student: str, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    passages = [Passage(f"-{number % 7} ü{number}", "", PASSAGES[number % 3].text) for number in range(40)]
    empty.add_collection(QUERIES, [*passages[20:], *PASSAGES, *passages[:20]], QRELS)
    name = student if name == "student" else name
    candidates(empty, name, split="test", depth=4)
    evaluate(empty, name, depth=5)
    expected = views.hits(empty, views.find_run(empty, name, "test"))
    monkeypatch.setattr(views, "passages", lambda *_: pytest.fail("all passages were read"))
    monkeypatch.setattr(views, "passage_parts", partial(views.passage_parts, at_once=7))
    assert candidates(empty, name, split="test", depth=4).added == 0
    evaluate(empty, name, depth=5)
    assert views.hits(empty, views.find_run(empty, name, "test")) == expected


def test_bm25_finds_by_words(store: Store) -> None:
    found = evaluate(store, "bm25")
    assert views.rankings(store, views.find_run(store, "bm25", "test"))["q1"][0][0] == "p/1"
    assert (found.student, found.measures["R@1"].mean) == ("bm25", 1.0)


def test_a_run_is_stale_once_the_passages_change(store: Store) -> None:
    evaluate(store, "bm25")
    assert diff(store, "bm25", "bm25").stale == ()
    store.add_collection((), [Passage("new", "", "A new passage.")])
    assert diff(store, "bm25", "bm25").stale == ("bm25", "bm25")
    evaluate(store, "bm25")
    assert diff(store, "bm25", "bm25").stale == ()


def test_an_empty_split_says_so(store: Store) -> None:
    store.add_collection([QUERIES[0]._replace(query_id="x", split="dev")])
    with pytest.raises(NothingToDo, match="No query is of the other split"):
        evaluate(store, "bm25", split="other")


def test_an_imported_run_is_measured_as_it_is_and_ranks_nothing(store: Store) -> None:
    table = pa.table({"query_id": ["q1", Q2], "passage_id": ["p/1", "p 2"], "similarity": [2.0, 1.0]})
    for name in ("theirs", "bm25"):
        add_ranking(store, name, [table], "collection")
        before = views.hits(store, views.find_run(store, name, "test"))
        evaluation = evaluate(store, name)
        assert (evaluation.imported, evaluation.measures["R@1"].mean) == (True, 0.5)
        assert evaluation.in_words.endswith("over 2 judged queries, an imported run measured as it is")
        assert views.hits(store, views.find_run(store, name, "test")) == before
    assert diff(store, "after", "theirs", "R@1").comparison.after.mean == 0.5
    store.add_collection((), [Passage("new", "", "A new passage.")])  # what they searched is theirs to say
    assert diff(store, "theirs", "bm25").stale == ()
    assert not evaluate(store, "theirs").stale
    with pytest.raises(NothingToDo, match="'theirs' is an imported run of test, and has no ranking of train"):
        evaluate(store, "theirs", split="train")
    assert not evaluate(store, "bm25", split="train").imported  # a name of ours, where none was imported


def test_nothing_can_be_ranked_or_trained_by_the_name_of_an_imported_run(store: Store) -> None:
    table = pa.table({"query_id": ["q1"], "passage_id": ["p/1"], "similarity": [2.0]})
    add_ranking(store, "theirs", [table], "collection")
    for step in (
        lambda: candidates(store, "theirs"),
        lambda: plan(store, "theirs", "toy", TrainSettings()),
        lambda: export_student(store, "theirs", store.path / "out"),
        lambda: files_to_push(store, "theirs"),
    ):
        with pytest.raises(BadSetting, match="'theirs' is an imported run: its rankings are here"):
            step()
