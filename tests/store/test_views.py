"""Each view answers its question on a workspace small enough to check by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import PASSAGES, utility
from workbench.errors import NothingToDo, UnknownName
from workbench.records import Annotation, Candidate, Failure, Passage, Qrel, Query
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import Store, views
from workbench.store.views import collection

Q2 = "http://q/2?x=1"


def test_counts_per_split_in_walking_order(store: Store) -> None:
    found = views.counts(store)
    assert [split.split for split in found.splits] == ["train", "dev", "test"]
    assert found.splits[2] == ("test", 2, 2, 2, 0, 8, 0)
    assert found.splits[1].with_answers == 0


def test_unscored_counts_the_limit_by_queries_not_by_what_is_missing(store: Store) -> None:
    assert views.unscored(store, "toy") == [("007", 4)]
    assert views.unscored(store, "toy", limit=1) == [("007", 4)]
    assert views.unscored(store, "toy", "test") == []
    assert len(views.unscored(store, "another")) == 3


def test_groups_hold_only_what_is_missing(store: Store) -> None:
    (group,) = views.groups(store, "toy", ["007", "q1"])
    assert group.query.query_id == "007"
    assert {passage.passage_id for passage in group.passages} == {passage.passage_id for passage in PASSAGES}


def test_a_group_is_in_the_order_of_the_best_rank_that_a_source_gives_whatever_else_is_asked(empty: Store) -> None:
    passages = [Passage(name, "", "a text") for name in "abcdef"]
    empty.add_collection([Query("q", "what?"), Query("-r", "who?")], passages)
    ranks = {"bm25": {"f": 1, "b": 2, "c": 3}, "student": {"c": 1, "d": 2}, "qrels": {"a": None, "f": None, "e": None}}
    empty.add_candidates(Candidate("q", p, source, rank) for source, of in ranks.items() for p, rank in of.items())
    empty.add_candidates([Candidate("-r", "e", "bm25", 1)])
    (group,) = views.groups(empty, "t", ["q"])
    assert [passage.passage_id for passage in group.passages] == ["c", "f", "b", "d", "a", "e"]
    empty.add_scored([utility("q", "f", 1.0, "t"), Failure("q", "b", "t", "why"), Failure("q", "a", "t", "why")])
    _, group = views.groups(empty, "t", ["q", "-r"], retry=["failed"])
    assert [passage.passage_id for passage in group.passages] == ["c", "b", "d", "a", "e"]


def test_examples_come_best_first_with_all_that_must_not_be_a_negative(store: Store) -> None:
    examples = views.examples(store, "toy", "test")
    first = next(example for example in examples if example.query.query_id == "q1")
    assert first.utilities == (2.0, 0.0, -0.5, -1.0)
    assert [passage.passage_id for passage in first.passages] == ["p/1", "03", "p 2", "ü"]
    assert first.known == {"p/1", "03", "p 2", "ü"}
    with pytest.raises(NothingToDo, match="train"):
        views.examples(store, "toy", "train")


def test_qrels_teach_with_relevance_and_candidates_that_nobody_judged_count_as_0(store: Store) -> None:
    (one,) = views.examples_of_qrels(store, "train")
    assert one.query.query_id == "007"
    assert [(passage.passage_id, value) for passage, value in zip(one.passages, one.utilities, strict=True)] == [
        ("ü", 2.0), ("03", 0.0), ("p 2", 0.0), ("p/1", 0.0),
    ]  # fmt: skip
    assert one.known == {"ü", "03", "p 2", "p/1"}
    assert len(views.examples_of_qrels(store, "test")) == 2
    with pytest.raises(NothingToDo, match="No query of the dev split has a relevant passage"):
        views.examples_of_qrels(store, "dev")
    store.add_collection((), [Passage("new", "", "New.")], [Qrel("007", "new", 1), Qrel("q4", "new", 0)])
    (one,) = views.examples_of_qrels(store, "train")
    assert [passage.passage_id for passage in one.passages][:2] == ["ü", "new"]
    assert "new" in one.known
    with pytest.raises(NothingToDo, match="relevant"):
        views.examples_of_qrels(store, "dev")


def test_a_teacher_is_found_by_the_beginning_of_its_name(store: Store) -> None:
    assert views.find_teacher(store, "to") == "toy"
    assert views.find_teacher(store, None) == "toy"
    with pytest.raises(UnknownName, match="toy"):
        views.find_teacher(store, "x")


def test_rankings_end_at_the_depth_and_ranks_go_on(store: Store) -> None:
    run = views.find_run(store, "before", "test")
    assert views.rankings(store, run)["q1"] == [("p 2", 0.875), ("ü", 0.75)]
    assert [hit.rank for hit in views.hits(store, run, ["q1"])] == [1, 2, 3, 4]
    with pytest.raises(NothingToDo, match="after, before"):
        views.find_run(store, "nobody", "test")


def test_a_ranking_shows_relevance_and_utility_beside_each_passage(store: Store) -> None:
    by_student = views.ranking(store, "q1", run=views.find_run(store, "after", "test"), teacher="toy")
    assert [placed.passage_id for placed in by_student] == ["p/1", "p 2", "ü", "03"]
    assert (by_student[0].relevance, by_student[0].utility, by_student[1].relevance) == (1, 2.0, None)
    by_teacher = views.ranking(store, "q1", teacher="toy", depth=2)
    assert [placed.passage_id for placed in by_teacher] == ["p/1", "03"]


def test_movements_say_in_words_what_happened(store: Store) -> None:
    before, after = views.find_run(store, "before", "test"), views.find_run(store, "after", "test")
    found = {moved.passage_id: moved.movement for moved in views.movements(store, before, after, "q1", "toy")}
    assert found == {"p/1": "up 2", "p 2": "down 1", "ü": "down 1", "03": "stays"}
    together = views.movements_of(store, before, after, ["q1", Q2, "unasked"], "toy")
    assert together == {query_id: views.movements(store, before, after, query_id, "toy") for query_id in ("q1", Q2)}
    assert together["q1"][0][3:] == (3, 1, 1, 2.0, True)


def test_distributions_count_every_pair_once(store: Store) -> None:
    run = views.find_run(store, "after", "test")
    for of in ("utility", "similarity"):
        bins = views.histogram(store, "toy", run, of, bins=5)
        assert sum(each.relevant + each.other for each in bins) == 8
        assert sum(each.relevant for each in bins) == 2
    assert sum(cell.pairs for cell in views.density(store, "toy", run)) == 8
    sample = views.sample_pairs(store, "toy", run, limit=4)
    assert sample.total == 8
    assert {pair.query_id for pair in sample.pairs} == {"q1", Q2}
    assert sample == views.sample_pairs(store, "toy", run, limit=4)


def test_first_places_of_teacher_and_student(store: Store) -> None:
    before = views.first_places(store, "toy", views.find_run(store, "before", "test"))
    assert (before.queries, before.judged) == (2, 2)
    assert (before.teacher_relevant, before.student_relevant, before.same) == (1, 1, 0)
    # q1 takes -0.5 for 2.0, q2 takes 0.25 for 1.0
    assert before.regret == pytest.approx((2.5 + 0.75) / 2)


def test_an_empty_run_has_empty_distributions(store: Store) -> None:
    run = views.find_run(store, "after", "test")
    assert views.histogram(store, "nobody", run) == []
    assert views.density(store, "nobody", run) == []
    assert views.first_places(store, "nobody", run).queries == 0


def test_the_last_word_of_each_annotator(store: Store) -> None:
    for minute, (who, verdict) in enumerate([("a", "useful"), ("b", "useless"), ("a", "harmful")]):
        made = datetime(2026, 1, 1, 0, minute, tzinfo=UTC)
        store.add_annotation(Annotation("q1", "p/1", who, verdict, "", "", made))
    assert len(views.verdicts(store)) == 3
    assert [(said.annotator, said.verdict) for said in views.verdicts(store, latest=True)] == [
        ("b", "useless"),
        ("a", "harmful"),
    ]
    case = list(views.annotated(store))[-1]
    assert (case.query_id, case.passage_id, case.relevance) == ("q1", "p/1", 1)
    assert case.utilities == {"toy": 2.0}
    assert case.ranks == {"before": 3, "after": 1}


def test_the_collection_fingerprint_follows_the_passages(store: Store) -> None:
    before = views.collection_fingerprint(store)
    assert before == views.collection_fingerprint(store)
    store.add_collection((), [PASSAGES[0]._replace(text="Another.")], replace=True)
    assert views.collection_fingerprint(store) != before


@pytest.mark.parametrize(
    ("settings", "relevant", "first_places", "relevant_first", "worse"),
    [
        ({}, 3, (2, 2, 0, 1, 2), (1, 2), ["p 2", "03"]),
        ({"relevance": 2}, 1, (2, 2, 1, 0, 1), (0, 2), ["p 2"]),
        ({"relevance": 2, "without_relevant": "left out"}, 1, (2, 1, 0, 0, 1), (0, 1), ["p 2"]),
    ],
)
def test_views_follow_the_level_of_relevance_and_which_queries_count(
    store: Store,
    settings: dict[str, Any],
    relevant: int,
    first_places: tuple[int, ...],
    relevant_first: tuple[int, int],
    worse: list[str],
) -> None:
    store.add_collection(qrels=[Qrel("q1", "p 2", 2)])
    store = with_settings(store, **settings)
    before, after = views.find_run(store, "before", "test"), views.find_run(store, "after", "test")
    assert views.first_places(store, "toy", before)[:5] == first_places
    (teacher,) = views.teachers(store)
    assert (teacher.relevant_first, teacher.judged) == relevant_first
    for rows in (views.histogram(store, "toy", before), views.density(store, "toy", before)):
        assert sum(row.relevant for row in rows) == relevant
    assert sum(pair.relevant for pair in views.sample_pairs(store, "toy", before).pairs) == relevant
    placed = [row.relevant for of in ("q1", Q2) for row in views.ranking(store, of, run=before)]
    moved = [row.relevant for of in ("q1", Q2) for row in views.movements(store, before, after, of)]
    assert sum(placed) == sum(moved) == relevant
    cases = views.hard_cases(store, "toy", after, before)
    assert [case.passage_id for case in cases if "got worse" in case.rules] == worse
    lacking = {split.split: (split.judged, split.without_relevant) for split in views.counts(store).splits}
    assert lacking == {"train": (1, 0), "dev": (0, 0), "test": (2, 2 - len(worse))}


def test_a_student_learns_from_the_queries_with_a_passage_of_the_level_and_from_every_grade(store: Store) -> None:
    store.add_collection(qrels=[Qrel("007", "p 2", 1)])
    (example,) = views.examples_of_qrels(with_settings(store, relevance=2), "train")
    assert sorted(example.utilities) == [0.0, 0.0, 1.0, 2.0]
    with pytest.raises(NothingToDo):
        views.examples_of_qrels(with_settings(store, relevance=3), "train")


def test_quadrants_part_at_what_is_useful_and_at_the_median_similarity(store: Store) -> None:
    at = views.find_run(store, "before", "test")
    quadrants = [views.quadrant_pairs(store, "toy", at, useful=u, near=n) for u in (True, False) for n in (True, False)]
    q2 = "http://q/2?x=1"
    assert quadrants == [{q2: 2}, {"q1": 1}, {"q1": 2}, {"q1": 1, q2: 2}]


def test_texts_are_the_same_looked_up_or_joined(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = (views.find_run(store, name, "test") for name in ("before", "after"))
    statements: list[Callable[[], object]] = [
        lambda: views.passages(store, ["p/1", "ü", "nowhere"]),
        lambda: views.queries(store, "test", ["q1", Q2, "007", "nowhere"]),
        lambda: views.hits(store, after, ["q1", "nowhere"]),
        lambda: views.ranking(store, "q1", run=after, teacher="toy"),
        lambda: views.ranking(store, "q1", teacher="toy", depth=2),
        lambda: views.movements_of(store, before, after, ["q1", Q2], "toy"),
    ]
    looked_up = [statement() for statement in statements]
    monkeypatch.setattr(collection, "LOOKED_UP", 0)
    assert [statement() for statement in statements] == looked_up
    assert [placed.utility for placed in views.ranking(store, "q1", teacher="toy", depth=2)] == [2.0, 0.0]
    assert [placed.text for placed in views.ranking(store, "q1", teacher="nobody")] == []
