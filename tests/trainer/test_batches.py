"""Batches: what a step shows the student, and what each pair counts as."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.toy import EXAMPLES, PASSAGES, QUICK, TOPICS, with_utilities
from workbench.errors import NothingToDo
from workbench.records import Example, Passage, Query
from workbench.trainer.batches import LEFT_OUT, NEGATIVE, Batches, stratified
from workbench.trainer.batches.topics import by_topic, clustered


@given(st.lists(st.floats(-9.0, 9.0), min_size=1, max_size=30), st.integers(1, 12), st.integers(0, 2**32))
def test_the_best_is_always_drawn_and_nothing_twice(values, most, seed):
    utilities = np.array(sorted(values, reverse=True))
    drawn = stratified(utilities, most, np.random.default_rng(seed))
    assert drawn[0] == 0
    assert len(drawn) == min(most, len(utilities)) == len(set(drawn.tolist()))


def test_candidates_are_spread_over_the_range_of_utility():
    utilities = np.array([5.0, 4.0, 1.9, *np.linspace(0.02, 0.0, 50)])
    draws = [stratified(utilities, 5, np.random.default_rng(seed)).tolist() for seed in range(40)]
    # Two of 52 candidates hold the upper three of the four parts: both would rarely come at random.
    assert all(drawn[:3] == [0, 1, 2] for drawn in draws)
    assert len({tuple(drawn) for drawn in draws}) > 30
    assert len({place for drawn in draws for place in drawn}) > 25


def test_a_candidate_of_another_query_is_a_negative_unless_it_is_known():
    batches = Batches(EXAMPLES, PASSAGES, replace(QUICK, candidates=6, negatives=2))
    batch = batches.batch(range(TOPICS))
    assert len(set(batch.passages)) == len(batch.passages) == batch.targets.shape[1]
    for text, line in zip(batch.queries, batch.targets, strict=True):
        example = next(example for example in EXAMPLES if example.query.text == text)
        utilities = {
            passage.content: utility for passage, utility in zip(example.passages, example.utilities, strict=True)
        }
        known = {passage.content for passage in PASSAGES if passage.passage_id in example.known}
        for passage, target in zip(batch.passages, line, strict=True):
            if passage in utilities:
                assert target == np.float32(utilities[passage])
            else:
                assert target == (LEFT_OUT if passage in known else NEGATIVE)
    assert (batch.targets == NEGATIVE).any()


def test_a_passage_counts_with_its_utility_whichever_query_it_was_drawn_for():
    unscored = next(passage for passage in PASSAGES if passage not in EXAMPLES[0].passages)
    example = EXAMPLES[0]._replace(known=EXAMPLES[0].known | {unscored.passage_id})
    batch = Batches([example], PASSAGES, replace(QUICK, candidates=1, negatives=900)).batch([0])
    targets = dict(zip(batch.passages, batch.targets[0].tolist(), strict=True))
    assert len(targets) == len({passage.content for passage in PASSAGES})
    for passage, utility in zip(example.passages, example.utilities, strict=True):
        assert targets[passage.content] == np.float32(utility)
    assert targets[unscored.content] == LEFT_OUT


def test_queries_of_a_topic_come_together_and_each_once_a_turn():
    clusters = np.arange(TOPICS) % 3
    settings = replace(QUICK, topics=1, batch_size=4, candidates=6, negatives=0)
    batches = Batches(EXAMPLES, PASSAGES, settings, clusters)
    topic = {example.query.text: cluster for example, cluster in zip(EXAMPLES, clusters, strict=True)}
    turns = [
        [batches.batch(range(begin, begin + 4)).queries for begin in range(turn, turn + TOPICS, 4)]
        for turn in (0, TOPICS)
    ]
    for turn in turns:
        assert sorted(query for queries in turn for query in queries) == sorted(topic)
        assert all(len({topic[query] for query in queries}) == 1 for queries in turn)
    assert turns[0] != turns[1]
    again = Batches(EXAMPLES, PASSAGES, settings, clusters)
    assert again.batch(range(TOPICS, TOPICS + 4)).queries == turns[1][0]


def test_topics_are_clusters_of_vectors_and_the_same_for_a_seed():
    generator = np.random.default_rng(0)
    means = np.eye(4, 8)[np.arange(96) % 4]
    vectors = (means + 0.05 * generator.standard_normal((96, 8))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    topics = clustered(vectors, 8, seed=3)
    assert len(set(topics.tolist())) == 4
    assert {len(set(topics[own::4].tolist())) for own in range(4)} == {1}
    np.testing.assert_array_equal(topics, clustered(vectors, 8, seed=3))
    assert clustered(vectors[:5], 8, seed=3).tolist() == [0] * 5
    for left_over in (96, 7, 1):
        order = by_topic(topics[:left_over], 8, np.random.default_rng(1))
        assert sorted(order.tolist()) == list(range(left_over))


def test_passages_of_the_same_text_are_one():
    copy = Passage("copy", "", PASSAGES[0].content)
    twice = Example(EXAMPLES[0].query, (PASSAGES[0], copy, PASSAGES[1]), (1.0, 3.0, 0.0), frozenset({"p0", "copy"}))
    batch = Batches([twice], [*PASSAGES, copy], replace(QUICK, candidates=8, negatives=60)).batch([0])
    own = {text: value for text, value in zip(batch.passages, batch.targets[0], strict=True) if np.isfinite(value)}
    assert own == {copy.content: 3.0, PASSAGES[1].content: 0.0}


def test_a_slot_holds_the_same_whenever_it_is_drawn():
    late = Batches(EXAMPLES, PASSAGES, QUICK)
    early = Batches(EXAMPLES, PASSAGES, QUICK)
    early.batch(range(4))
    for one, other in zip(late.batch(range(8, 20)), early.batch(range(8, 20)), strict=True):
        np.testing.assert_array_equal(one, other)
    other_seed = Batches(EXAMPLES, PASSAGES, replace(QUICK, seed=8)).batch(range(8, 20))
    assert other_seed.queries != late.batch(range(8, 20)).queries


def test_each_turn_shows_each_query_once():
    batches = Batches(EXAMPLES, PASSAGES, QUICK)
    turns = [batches.batch(range(turn * TOPICS, (turn + 1) * TOPICS)).queries for turn in range(3)]
    assert all(sorted(turn) == sorted(turns[0]) for turn in turns)
    assert turns[0] != turns[1]


def test_a_query_with_one_candidate_still_learns_from_negatives():
    alone = Example(Query("q", "question1", (), "train"), (PASSAGES[1],), (2.0,))
    batch = Batches([alone], PASSAGES, replace(QUICK, negatives=5)).batch([0])
    assert np.isfinite(batch.targets).sum() == 1
    assert (batch.targets == NEGATIVE).sum() >= 1


@pytest.mark.parametrize(
    ("examples", "collection"),
    [
        ([], PASSAGES),
        ([Example(Query("q", "q"), (), ())], PASSAGES),
        ([Example(Query("q", "q"), PASSAGES[:1], (float("nan"),))], PASSAGES),
        (EXAMPLES, ()),
    ],
)
def test_examples_without_anything_to_learn_are_refused(examples, collection):
    with pytest.raises(NothingToDo):
        Batches(examples, collection, QUICK)


def test_negatives_are_drawn_from_what_was_mined_a_step_before():
    batches = Batches(EXAMPLES, PASSAGES, replace(QUICK, candidates=1, refresh=2, negatives=3, batch_size=1))
    unknown = [np.setdiff1d(range(len(batches.collection)), batches.known(number)) for number in range(TOPICS)]
    batches.mined = {0: np.array([rows[:5] for rows in unknown]), 2: np.array([rows[-5:] for rows in unknown])}
    for step, mining in ((0, 0), (1, 0), (2, 0), (3, 2), (4, 2)):
        batch = batches.batch([step])
        query = batches.queries.index(batch.queries[0])
        allowed = {batches.collection[row] for row in batches.mined[mining][query]}
        drawn = {text for text, target in zip(batch.passages, batch.targets[0], strict=True) if target == NEGATIVE}
        assert len(drawn) == 3
        assert drawn <= allowed


def test_a_curriculum_begins_with_the_queries_the_teacher_is_surest_of_and_widens_to_all():
    sure = [with_utilities(example, [3.0 - place, *[0.0] * 5]) for place, example in enumerate(EXAMPLES[:3])]
    unsure = [with_utilities(example, [0.1, *[0.0] * 5]) for example in EXAMPLES[3:]]
    settings = replace(QUICK, curriculum=0.5, steps=40, batch_size=3, teacher_temperature=1.0)
    batches = Batches([*unsure, *sure], PASSAGES, settings)
    seen = [set(batches.batch(range(3 * step, 3 * step + 3)).queries) for step in range(40)]
    assert seen[0] == {example.query.text for example in sure}
    assert all(len(queries) == 3 for queries in seen)
    # 9 queries join over 20 steps: no more than these can have been seen
    assert all(len(set().union(*seen[: step + 1])) <= 3 + 9 * step // 20 for step in range(20))
    # from then on each turn of four batches shows all twelve
    assert all(len(set().union(*seen[begin : begin + 4])) == TOPICS for begin in range(20, 40, 4))
    again = Batches([*unsure, *sure], PASSAGES, settings)
    for one, other in zip(again.batch(range(30, 33)), batches.batch(range(30, 33)), strict=True):
        np.testing.assert_array_equal(one, other)
