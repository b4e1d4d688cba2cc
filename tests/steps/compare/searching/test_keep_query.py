"""A typed query becomes one of the workspace: with an id of its own, candidates, and hits in the runs of its split."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.steps.classes import collection
from workbench.errors import BadSetting, UnknownName
from workbench.records import Passage, Query
from workbench.steps.compare.searching import keep_query as module
from workbench.store import Store, views

TEXT = "Where is answer3?"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return collection(tmp_path / "ws")


def test_it_is_kept_once_with_what_was_found(store: Store) -> None:
    kept = wb.keep_query(store, TEXT, ["bm25"], depth=2)
    assert (kept.is_new, kept.added, kept.ranked_by) == (True, 2, ("bm25",))
    assert views.query(store, kept.query.query_id) == Query(kept.query.query_id, TEXT)
    run = views.find_run(store, "bm25", "")
    assert views.candidates_of(store, "")[kept.query.query_id] == ["p3-1", "p3-2"]
    assert {hit.query_id for hit in views.hits(store, run)} == {kept.query.query_id}
    assert not wb.keep_query(store, TEXT, ["bm25"], "test").is_new
    assert views.counts(store).queries == 25


def test_an_id_never_clashes(store: Store) -> None:
    taken = wb.keep_query(store, TEXT, ["bm25"]).query.query_id
    other = collection(store.path.with_name("other"))
    other.add_collection([Query(taken, "another text", (), "test")])
    assert wb.keep_query(other, TEXT, ["bm25"]).query.query_id == f"{taken}-1"
    assert views.query(other, taken).text == "another text"


def test_a_query_without_a_split_changes_no_measure_and_the_next_joins_its_run(store: Store) -> None:
    before = wb.evaluate(store, "bm25").measures
    wb.keep_query(store, TEXT, ["bm25"])
    wb.keep_query(store, "And answer4?", ["bm25"])
    assert len({hit.query_id for hit in views.hits(store, views.find_run(store, "bm25", ""))}) == 2
    store.add_collection(passages=[Passage("new", "", "answer3 answer3")])
    wb.keep_query(store, "And answer5?", ["bm25"])
    run = views.find_run(store, "bm25", "")
    assert run.collection == views.collection_fingerprint(store)
    assert len({hit.query_id for hit in views.hits(store, run)}) == 3
    assert wb.evaluate(collection(store.path.with_name("again")), "bm25").measures == before


def test_in_a_split_it_joins_the_runs_of_todays_passages(store: Store) -> None:
    wb.evaluate(store, "bm25", depth=5)
    kept = wb.keep_query(store, TEXT, ["bm25"], "test")
    run = views.find_run(store, "bm25", "test")
    assert kept.ranked_by == ("bm25",)
    assert [hit.rank for hit in views.hits(store, run, [kept.query.query_id])] == [1, 2, 3]
    cases = views.hard_cases(store, None, run)
    assert ("unjudged but high",) in [case.rules for case in cases if case.query_id == kept.query.query_id]
    store.add_collection(passages=[Passage("new", "", "x")])
    assert wb.keep_query(store, "And answer4?", ["bm25"], "test").ranked_by == (), "a stale run is not mixed"


def test_many_queries_without_a_split_are_not_ranked_on_the_way(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RANKED", 1)
    assert wb.keep_query(store, TEXT, ["bm25"]).ranked_by == ("bm25",)
    store.add_collection(passages=[Passage("new", "", "x")])
    kept = wb.keep_query(store, "And answer4?", ["bm25"])
    assert kept.ranked_by == ()
    assert "ranked by no run yet" in kept.in_words


def test_what_cannot_be_kept_is_refused(store: Store) -> None:
    with pytest.raises(UnknownName, match="split"):
        wb.keep_query(store, TEXT, ["bm25"], "holdout")
    with pytest.raises(BadSetting, match="empty"):
        wb.keep_query(store, "", ["bm25"])
    assert views.counts(store).queries == 24
