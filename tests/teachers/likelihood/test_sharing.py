"""What prompts begin with alike: seen whatever the order, read once where that pays, and no token changed."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.teachers.likelihood.packing import lay_out
from workbench.teachers.likelihood.sharing import Batch, Continuation, Sharing, batches


def continuation(prompt: list[int], answer: list[int]) -> Continuation:
    return Continuation(np.array(prompt, dtype=np.int32), np.array(answer, dtype=np.int32))


PASSAGES = [list(range(100 * number, 100 * number + 50)) for number in range(1, 5)]
QUESTIONS = [[number, number, number + 1] for number in range(1, 9)]
PASSAGE_FIRST = [continuation(passage + question, [5, 6]) for question, passage in product(QUESTIONS, PASSAGES)]


def tokens_read(made: list[Batch], continuations: list[Continuation]) -> int:
    tokens = 0
    for batch in made:
        positions = lay_out([[continuations[member] for member in row] for row in batch.rows], batch.shared).positions
        # Padding stands at position 0, as does the first token of a row that begins a text.
        tokens += batch.shared + int((positions > 0).sum()) + (0 if batch.shared else len(batch.rows))
    return tokens


def test_each_passage_is_read_once_for_all_questions() -> None:
    made = list(batches(PASSAGE_FIRST, 8192, Sharing(forward_cost=10)))
    assert sorted(batch.shared for batch in made) == [50, 50, 50, 50]
    assert all(len(batch.members) == 8 for batch in made)
    assert tokens_read(made, PASSAGE_FIRST) == 4 * 50 + 32 * 4


def test_each_question_is_read_once_where_it_comes_first() -> None:
    question_first = [continuation(question * 20 + passage, [5]) for question, passage in product(QUESTIONS, PASSAGES)]
    assert [batch.shared for batch in batches(question_first, 8192, Sharing(forward_cost=10))] == [60] * 8


def test_answers_to_one_prompt_share_all_of_it_but_the_last_token() -> None:
    several = [continuation(PASSAGES[0], [number, 3]) for number in range(4)]
    (batch,) = batches(several, 8192, Sharing(forward_cost=10))
    assert batch.shared == 49


def test_several_answers_to_a_question_are_read_as_one_tree() -> None:
    several = [
        continuation([*PASSAGES[0], *question], answer)
        for question, answer in product(QUESTIONS[:2], ([7, 8], [7, 9, 1], [6]))
    ]
    (batch,) = batches(several, 8192, Sharing(row_tokens=80))
    assert (batch.shared, batch.counts) == (0, [6])
    # The passage once, each question once, and 7 and 9 of its answers: an answer's last token is not read.
    assert tokens_read([batch], several) == 50 + 2 * (3 + 2)
    (behind,) = batches(several, 8192, Sharing(forward_cost=10, row_tokens=5))
    assert (behind.shared, behind.counts) == (50, [3, 3])
    assert tokens_read([behind], several) == 50 + 2 * (3 + 2)


def test_a_token_of_a_tree_sees_its_own_continuation_only() -> None:
    layout = lay_out([[continuation([1, 2, 3], [4, 5]), continuation([1, 2, 6], [7])], [continuation([1, 8], [9])]], 1)
    assert layout.ids.tolist() == [[2, 3, 4, 6], [8, 0, 0, 0]]
    assert layout.positions.tolist() == [[1, 2, 3, 2], [1, 0, 0, 0]]
    assert layout.visible.astype(int).tolist() == [
        [[1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 0, 0, 1]],
        [[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 0, 1, 0], [1, 0, 0, 0, 1]],
    ]
    read = zip(layout.rows[layout.scored].tolist(), layout.columns[layout.scored].tolist(), strict=True)
    assert list(read) == [(0, 1), (0, 2), (0, 3), (1, 0)]
    assert (layout.targets.tolist(), layout.owners.tolist()) == ([4, 5, 7, 9], [0, 0, 1, 2])


@pytest.mark.parametrize("forward_cost", [None, 10_000])
def test_nothing_is_shared_where_it_cannot_be_or_does_not_pay(forward_cost: int | None) -> None:
    assert {batch.shared for batch in batches(PASSAGE_FIRST, 8192, Sharing(forward_cost))} == {0}


def test_batches_keep_within_the_budget_longest_first() -> None:
    uneven = [continuation([1] * length, [2, 2]) for length in (3, 90, 40, 41, 200, 7)]
    made = list(batches(uneven, 100, Sharing()))
    widths = [max(uneven[member].length for member in batch.members) for batch in made]
    assert widths == sorted(widths, reverse=True)
    assert all(
        len(batch.members) == 1 or len(batch.members) * width <= 100 for batch, width in zip(made, widths, strict=True)
    )
    assert [member for batch in made for member in batch.members] == [4, 1, 3, 2, 5, 0]


SEQUENCES = st.lists(
    st.tuples(st.lists(st.integers(0, 2), min_size=1, max_size=9), st.lists(st.just(1), min_size=1, max_size=3))
)


@given(SEQUENCES, st.integers(0, 5), st.integers(1, 40), st.integers(0, 20))
def test_every_continuation_comes_once_and_begins_as_its_batch_does(
    sequences: list[tuple[list[int], list[int]]], forward_cost: int, token_budget: int, row_tokens: int
) -> None:
    continuations = [continuation(*one) for one in sequences]
    made = list(batches(continuations, token_budget, Sharing(forward_cost, row_tokens)))
    assert sorted(member for batch in made for member in batch.members) == list(range(len(continuations)))
    for batch in made:
        beginnings = {tuple(continuations[member].prompt[: batch.shared]) for member in batch.members}
        assert len(beginnings) == 1
        assert all(len(continuations[member].prompt) > batch.shared for member in batch.members)


@given(SEQUENCES, st.integers(0, 5))
def test_sharing_never_costs_more_than_it_saves(
    sequences: list[tuple[list[int], list[int]]], forward_cost: int
) -> None:
    continuations = [continuation(*one) for one in sequences]
    made = list(batches(continuations, 8192, Sharing(forward_cost)))
    forwards = sum(batch.shared > 0 for batch in made)
    assert tokens_read(made, continuations) + forwards * forward_cost <= sum(one.length for one in continuations)


@given(SEQUENCES, st.none() | st.integers(0, 5), st.integers(0, 20))
def test_trees_keep_to_their_row_and_never_read_more(
    sequences: list[tuple[list[int], list[int]]], forward_cost: int | None, row_tokens: int
) -> None:
    continuations = [continuation(*one) for one in sequences]
    made = list(batches(continuations, 8192, Sharing(forward_cost, row_tokens)))
    assert tokens_read(made, continuations) <= sum(one.length for one in continuations)
    for batch in made:
        for row in batch.rows:
            layout = lay_out([[continuations[member] for member in row]], batch.shared)
            assert len(row) == 1 or layout.ids.shape[1] <= row_tokens
