"""Each form of judgement against scripted replies: exact utilities, how many questions they take, and failures."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from tests.teachers.judge.scripted import Scripted, group, judge, rows, shown, text, values
from workbench.records import Failure
from workbench.teachers.chat.protocol import Prompt, Reply


def selects(least: int) -> Scripted:
    def reply(prompt: Prompt) -> str:
        labels = [f"[{label}]" for label, worth in shown(prompt).items() if worth >= least]
        return f"The answer.\nMy selection: {', '.join(labels) or 'none'}"

    return Scripted(reply)


def prefers(prompt: Prompt) -> str:
    worths = shown(prompt)
    return max(worths, key=worths.__getitem__)


def test_a_grade_is_the_expected_one_of_the_grades_probabilities() -> None:
    probabilities = {"0": 0.1, "1": 0.2, "2": 0.3, "3": 0.2, "4": 0.0}
    chat = Scripted(lambda _: Reply("2", {grade: math.log(p) for grade, p in probabilities.items() if p}))
    (value,) = values(judge(chat), group(5))
    assert value == pytest.approx((0.2 + 2 * 0.3 + 3 * 0.2) / 0.8)
    assert values(judge(chat, expected=False), group(5)) == [2.0]
    assert chat.asked[0].choices == ("0", "1", "2", "3")
    assert judge(chat).unit == "grade"


def test_a_written_grade_counts_where_probabilities_say_nothing() -> None:
    chat = Scripted(lambda _: Reply("It is on the topic.\nGrade: 1", {"0": -4.0, "3": -5.0}))
    assert values(judge(chat), group(5, 6)) == [1.0, 1.0]


def test_what_is_no_grade_is_kept_and_never_guessed() -> None:
    replies = {
        "worth 1": Reply("Somewhere between 1 and 2."),
        "worth 2": Reply("I would rather not.", refused=True),
        "worth 3": Reply("", error="the server answered 500"),
        "worth 4": Reply("3"),
    }
    chat = Scripted(lambda prompt: next(reply for part, reply in replies.items() if part in text(prompt)))
    teacher = judge(chat)
    unreadable, refused, failed, graded = rows(teacher, group(1, 2, 3, 4))
    assert unreadable == Failure(
        "q", "p0", teacher.name, "the judge's last line is not a grade from 0 to 3 alone", "unreadable",
        "Somewhere between 1 and 2.",
    )  # fmt: skip
    assert refused == Failure("q", "p1", teacher.name, "the judge declined", "refused", "I would rather not.")
    assert failed == Failure("q", "p2", teacher.name, "the server answered 500", "failed")
    assert graded.value == 3.0  # type: ignore[union-attr]


def test_a_long_unreadable_answer_is_cut() -> None:
    (row,) = rows(judge(Scripted(lambda _: "word " * 1000)), group(1))
    assert len(row.answer) == 2000  # type: ignore[union-attr]


def test_listwise_is_the_share_of_orders_in_which_a_passage_is_selected() -> None:
    chat = selects(5)
    assert values(judge(chat, form="listwise", samples=4), group(1, 5, 9)) == [0.0, 1.0, 1.0]
    assert len({text(prompt) for prompt in chat.asked}) > 1
    assert len(chat.asked) == 4


def test_position_bias_cancels_over_shuffled_orders() -> None:
    always_the_first = Scripted(lambda _: "My selection: [1]")
    shares = values(judge(always_the_first, form="listwise", samples=400), group(1, 2, 3, 4))
    assert sum(shares) == pytest.approx(1)
    assert shares == pytest.approx([0.25] * 4, abs=0.06)


def test_long_lists_are_cut_into_windows_of_like_size() -> None:
    chat = selects(20)
    shares = values(judge(chat, form="listwise", samples=3, window=20), group(*range(45)))
    assert shares == [0.0] * 20 + [1.0] * 25
    assert Counter(len(shown(prompt)) for prompt in chat.asked) == {15: 9}
    assert Counter(worth for prompt in chat.asked for worth in shown(prompt).values()) == dict.fromkeys(range(45), 3)


def test_passages_of_an_unreadable_window_have_no_value() -> None:
    chat = Scripted(lambda prompt: "All of them!" if 7 in shown(prompt).values() else "My selection: [1]")
    judged = rows(judge(chat, form="listwise", samples=1, window=3), group(7, 1, 2, 3))
    unreadable = [row for row in judged if isinstance(row, Failure)]
    assert {(row.status, row.answer) for row in unreadable} == {("unreadable", "All of them!")}
    assert "p0" in {row.passage_id for row in unreadable}
    assert len(unreadable) == 2


@pytest.mark.parametrize("count", [2, 3, 10, 33])
def test_heapsort_finds_the_order_in_few_comparisons(count: int) -> None:
    worths = random.Random(count).sample(range(1000), count)
    chat = Scripted(prefers)
    shares = values(judge(chat, form="pairwise"), group(*worths))
    better = {worth: sum(worth > other for other in worths) for worth in worths}
    assert shares == pytest.approx([better[worth] / (count - 1) for worth in worths])
    comparisons = len(chat.asked) / 2
    assert comparisons <= 2 * count * math.log2(count) + count
    if count == 33:
        assert comparisons < 0.6 * math.comb(count, 2)


def test_sliding_orders_the_best_and_ties_the_rest() -> None:
    chat = Scripted(prefers)
    shares = values(judge(chat, form="pairwise", comparisons="sliding", passes=2), group(5, 1, 9, 3, 7))
    assert shares == pytest.approx([0.25, 0.25, 1.0, 0.25, 0.75])
    assert len(chat.asked) == 2 * (4 + 3)


def test_all_pairs_count_wins_and_half_of_ties() -> None:
    assert values(judge(Scripted(prefers), form="pairwise", comparisons="all_pairs"), group(5, 1, 9)) == [0.5, 0.0, 1.0]
    always_the_first = Scripted(lambda _: "A")
    shares = values(judge(always_the_first, form="pairwise", comparisons="all_pairs"), group(5, 1, 9))
    assert shares == [0.5] * 3
    assert len(always_the_first.asked) == 6


def test_a_comparison_reads_probabilities_where_they_are_known() -> None:
    def reply(prompt: Prompt) -> Reply:
        better = prefers(prompt)
        return Reply("Hm.", {label: math.log(0.6 if label == better else 0.3) for label in "AB"})

    assert values(judge(Scripted(reply), form="pairwise"), group(5, 1, 9)) == [0.5, 0.0, 1.0]


def test_an_unreadable_comparison_leaves_no_order() -> None:
    chat = Scripted(lambda prompt: "Both!" if 5 in shown(prompt).values() else prefers(prompt))
    statuses = [isinstance(row, Failure) and row.status for row in rows(judge(chat, form="pairwise"), group(5, 1, 9))]
    assert statuses == ["unreadable"] * 3
    chat = Scripted(lambda prompt: "Both!" if {1, 5} == set(shown(prompt).values()) else prefers(prompt))
    all_pairs = rows(judge(chat, form="pairwise", comparisons="all_pairs"), group(5, 1, 9))
    assert [isinstance(row, Failure) for row in all_pairs] == [True, True, False]


@pytest.mark.parametrize("form", ["pairwise", "first"])
def test_a_single_candidate_cannot_be_compared(form: str) -> None:
    chat = Scripted(lambda _: "A")
    (row,) = rows(judge(chat, form=form), group(5))
    assert isinstance(row, Failure)
    assert "only candidate" in row.reason
    assert not chat.asked


def test_first_takes_the_logits_of_all_labels_at_once() -> None:
    chat = Scripted(lambda prompt: Reply("A", {label: worth / 10 - 9 for label, worth in shown(prompt).items()}))
    teacher = judge(chat, form="first", samples=3)
    assert values(teacher, group(5, 1, 9)) == pytest.approx([0.0, -0.4, 0.4])
    assert [(len(prompt.choices), prompt.max_tokens) for prompt in chat.asked] == [(3, 1)] * 3
    assert teacher.unit == "logit"


def test_first_needs_every_label() -> None:
    chat = Scripted(lambda prompt: Reply("A", {"A": -1.0}))
    judged = rows(judge(chat, form="first"), group(5, 1))
    assert all(isinstance(row, Failure) and "label B" in row.reason and row.status == "failed" for row in judged)
    judged = rows(judge(Scripted(lambda _: "A"), form="first"), group(5, 1))
    assert all(isinstance(row, Failure) and "no log-probabilities" in row.reason for row in judged)


def test_selection_carries_what_it_selected_from_window_to_window() -> None:
    chat = selects(5)
    worths = [9, 1, 2, 5, 3, 8, 4]
    selected = values(judge(chat, form="selection", window=4, stride=2), group(*worths))
    assert selected == [float(worth >= 5) for worth in worths]
    windows = [list(shown(prompt).values()) for prompt in chat.asked]
    assert all(len(window) <= 4 for window in windows)
    for before, after in pairwise(windows):
        carried = [worth for worth in before if worth >= 5][-2:]
        assert after[: len(carried)] == carried
        assert len(after) == 4 or after is windows[-1]


def test_a_passage_can_lose_its_place_to_a_better_one() -> None:
    def best(prompt: Prompt) -> str:
        return f"My selection: [{prefers(prompt)}]"

    worths = [3, 9, 1, 5, 4]
    assert values(judge(Scripted(best), form="selection", window=3, stride=2), group(*worths)) == [0, 1, 0, 0, 0]


def test_an_unreadable_window_ends_a_selection() -> None:
    judged = rows(judge(Scripted(lambda _: "No idea."), form="selection"), group(1, 2))
    assert [row.answer for row in judged if isinstance(row, Failure)] == ["No idea."] * 2


RANKED = group(4, 9, 1, 5, 7, 3)


@pytest.mark.parametrize("settings", [{"form": "first", "window": 3}, {"form": "listwise", "window": 3, "samples": 1}])
def test_one_order_is_the_retriever_s_and_dealt_to_windows(settings: dict[str, Any]) -> None:
    chat = Scripted(lambda prompt: Reply("My selection: none", dict.fromkeys(shown(prompt), -1.0)))
    rows(judge(chat, **settings), RANKED)
    assert sorted(list(shown(prompt).values()) for prompt in chat.asked) == [[4, 1, 7], [9, 5, 3]]


def test_selection_and_sliding_comparisons_begin_with_the_retriever_s_order() -> None:
    chat = Scripted(lambda _: "My selection: none")
    rows(judge(chat, form="selection", window=4, stride=2), RANKED)
    assert [list(shown(prompt).values()) for prompt in chat.asked] == [[4, 9, 1, 5], [7, 3]]
    compared = Scripted(prefers)
    rows(judge(compared, form="pairwise", comparisons="sliding", passes=1), RANKED)
    assert [set(shown(prompt).values()) for prompt in compared.asked[::2]] == [{3, 7}, {7, 5}, {7, 1}, {7, 9}, {9, 4}]


@pytest.mark.parametrize("form", ["listwise", "first", "selection"])
def test_several_orders_are_shuffled_and_the_names_tell(form: str) -> None:
    chat = Scripted(lambda prompt: Reply("My selection: none", dict.fromkeys(shown(prompt), -1.0)))
    rows(judge(chat, form=form, samples=8), RANKED)
    orders = {tuple(shown(prompt).values()) for prompt in chat.asked}
    assert len(orders) > 4
    assert ":k8-window" in judge(chat, form=form, samples=8).name
    assert ":ranked-window" in judge(chat, form=form, samples=1).name
