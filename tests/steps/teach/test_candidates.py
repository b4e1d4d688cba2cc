"""Candidates: who proposed them is kept, and proposing again adds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny
from tests.conftest import PASSAGES, QRELS, QUERIES
from workbench.errors import NothingToDo
from workbench.steps.teach.candidates import QRELS as FROM_QRELS
from workbench.steps.teach.candidates import candidates
from workbench.store import Store


@pytest.fixture
def student(tmp_path: Path) -> str:
    folder = tmp_path / "tiny student"
    tiny.static().save_pretrained(str(folder), create_model_card=False)
    return str(folder)


@pytest.fixture
def collection(empty: Store) -> Store:
    empty.add_collection(QUERIES, PASSAGES, QRELS)
    return empty


def sources(store: Store) -> dict[tuple[str, str], set[str]]:
    with store.read() as connection:
        rows = connection.execute("select query_id, passage_id, list(source) from candidates group by all").fetchall()
    return {(query_id, passage_id): set(proposers) for query_id, passage_id, proposers in rows}


def test_bm25_the_student_and_the_qrels_each_propose(collection: Store, student: str) -> None:
    result = candidates(collection, student, depth=1, split="test")
    proposals = sources(collection)
    assert (result.queries, result.proposed, result.added) == (2, 6, 6)
    assert {"bm25", FROM_QRELS} <= proposals["q1", "p/1"]
    assert {who for proposers in proposals.values() for who in proposers} == {"bm25", student, FROM_QRELS}
    by_student = [pair for pair, proposers in proposals.items() if student in proposers]
    assert sorted(query_id for query_id, _ in by_student) == ["http://q/2?x=1", "q1"]
    assert {query_id for query_id, _ in proposals} == {"q1", "http://q/2?x=1"}
    with collection.read() as connection:
        ranks = connection.execute("select distinct source = 'qrels', rank from candidates order by 1").fetchall()
    assert ranks == [(False, 1), (True, None)]


def test_proposing_again_adds_nothing_and_deeper_adds_only_what_is_new(collection: Store, student: str) -> None:
    candidates(collection, student, depth=1, split="test")
    before = sources(collection)
    assert candidates(collection, student, depth=1, split="test").added == 0
    assert sources(collection) == before
    deeper = candidates(collection, student, depth=2, split="test")
    assert 0 < deeper.added < deeper.proposed
    assert all(before[pair] <= proposers for pair, proposers in sources(collection).items() if pair in before)


def test_judged_and_not_relevant_passages_are_candidates_too(collection: Store) -> None:
    candidates(collection, "bm25", depth=1, split="train")
    assert FROM_QRELS in sources(collection)["007", "03"]


def test_the_student_may_be_bm25_itself(collection: Store) -> None:
    result = candidates(collection, "bm25", depth=4, split="test")
    assert {who for proposers in sources(collection).values() for who in proposers} == {"bm25", FROM_QRELS}
    assert "2 queries" in result.in_words


def test_nothing_to_pair_says_what_to_do_first(empty: Store) -> None:
    with pytest.raises(NothingToDo, match=r"0 queries and 0 passages.*ingest"):
        candidates(empty, "bm25")
