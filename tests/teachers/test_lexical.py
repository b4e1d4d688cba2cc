"""The lexical teacher against numbers worked out by hand, and its promises about pairs and names."""

from __future__ import annotations

from math import inf, isfinite, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadSetting, NothingToDo
from workbench.records import Failure, Group, Passage, Query, Utility
from workbench.teachers import Teacher, teacher

# Eight words in all: red 3, green 1, blue 2, fish 2.
RED = Passage("p1", "", "Red fish, red!")
BLUE = Passage("p2", "Blue", "blue fish green red")
COLLECTION = [RED, BLUE]


def prepared(**settings: object) -> Teacher:
    lexical_teacher = teacher("lexical", **settings)
    lexical_teacher.prepare(COLLECTION)
    return lexical_teacher


def only(lexical_teacher: Teacher, query: Query, passage: Passage) -> Utility | Failure:
    [[scored]] = lexical_teacher.utilities([Group(query, (passage,))])
    return scored


def test_golden_value_of_one_word() -> None:
    scored = only(prepared(), Query("q", "which?", ("RED",)), RED)
    # p(red | p1) = 0.5 * 2/3 + 0.5 * 3/8; p(red) = 3/8
    assert isinstance(scored, Utility)
    assert scored.value == pytest.approx(log((0.5 * 2 / 3 + 0.5 * 3 / 8) / (3 / 8)))
    assert scored.answers[0].tokens == 1
    assert scored.answers[0].without_passage == pytest.approx(log(3 / 8))


def test_the_title_is_read_too() -> None:
    scored = only(prepared(), Query("q", "which?", ("blue",)), BLUE)
    # blue stands once in the title and once in the text of five words
    assert isinstance(scored, Utility)
    assert scored.value == pytest.approx(log((0.5 * 2 / 5 + 0.5 * 2 / 8) / (2 / 8)))


def test_mean_and_sum_differ_by_the_number_of_words() -> None:
    query = Query("q", "which?", ("red fish",))
    mean, total = only(prepared(), query, RED), only(prepared(normalisation="sum"), query, RED)
    assert isinstance(mean, Utility)
    assert isinstance(total, Utility)
    assert mean.value != 0
    assert total.value == pytest.approx(2 * mean.value)


def test_smoothing_weighs_passage_against_collection() -> None:
    scored = only(prepared(smoothing=0.2), Query("q", "which?", ("red",)), RED)
    assert isinstance(scored, Utility)
    assert scored.value == pytest.approx(log((0.8 * 2 / 3 + 0.2 * 3 / 8) / (3 / 8)))


def test_the_best_answer_counts_and_equal_answers_count_once() -> None:
    scored = only(prepared(), Query("q", "which?", ("green", "red", "green", "red")), RED)
    alone = only(prepared(), Query("q", "which?", ("red",)), RED)
    assert isinstance(scored, Utility)
    assert isinstance(alone, Utility)
    assert [one.answer for one in scored.answers] == ["green", "red"]
    assert scored.value == alone.value


def test_a_word_nobody_uses_is_finite_and_the_same_everywhere() -> None:
    query = Query("q", "which?", ("octopus",))
    values = [only(prepared(), query, passage) for passage in COLLECTION]
    assert all(isinstance(one, Utility) and one.value == pytest.approx(log(0.5)) for one in values)


def test_a_passage_without_words_scores_like_one_without_the_answer() -> None:
    query = Query("q", "which?", ("green",))
    empty, other = only(prepared(), query, Passage("p", "", "…")), only(prepared(), query, RED)
    assert isinstance(empty, Utility)
    assert isinstance(other, Utility)
    assert empty.value == other.value


@pytest.mark.parametrize(("answers", "reason"), [((), "no reference answer"), (("%", "—"), "no reference answer has")])
def test_nothing_to_score_is_a_failure(answers: tuple[str, ...], reason: str) -> None:
    lexical_teacher = prepared()
    scored = only(lexical_teacher, Query("q", "which?", answers), RED)
    assert isinstance(scored, Failure)
    assert reason in scored.reason
    assert scored.teacher == lexical_teacher.name


def test_case_and_compatibility_forms_are_one_word() -> None:
    plain, wide = (only(prepared(), Query("q", "?", (answer,)), RED) for answer in ("fish", "ＦＩＳＨ"))
    assert isinstance(plain, Utility)
    assert isinstance(wide, Utility)
    assert plain.value == wide.value


def test_the_name_changes_with_settings_and_collection_but_not_with_order() -> None:
    names = {prepared(**settings).name for settings in ({}, {"smoothing": 0.25}, {"normalisation": "sum"})}
    other = teacher("lexical")
    other.prepare([RED])
    names.add(other.name)
    assert len(names) == 4
    assert not any(" " in name for name in names)
    turned = teacher("lexical")
    turned.prepare(reversed(COLLECTION))
    assert turned.name == prepared().name


def test_it_must_read_the_collection_first() -> None:
    with pytest.raises(NothingToDo, match="prepare"):
        next(teacher("lexical").utilities([]), None)
    with pytest.raises(NothingToDo, match="no words"):
        teacher("lexical").prepare([Passage("p", "", "?!")])


@pytest.mark.parametrize("settings", [{"smoothing": 0.0}, {"smoothing": 1.0}, {"normalisation": "max"}])
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        teacher("lexical", **settings)


def test_every_pair_comes_once_however_many_there_are() -> None:
    groups = [Group(Query(f"q{n}", "?", ("red",) if n % 3 else ()), (RED, BLUE)) for n in range(2500)]
    batches = list(prepared().utilities(groups))
    pairs = [(one.query_id, one.passage_id) for batch in batches for one in batch]
    assert len(batches) > 1
    assert sorted(pairs) == sorted((group.query.query_id, p.passage_id) for group in groups for p in group.passages)


@given(st.text(max_size=40), st.lists(st.text(max_size=12), max_size=3))
def test_any_text_gets_a_finite_utility_or_a_reason(text: str, answers: list[str]) -> None:
    scored = only(prepared(), Query("q", "?", tuple(answers)), Passage("p", "", text))
    if isinstance(scored, Utility):
        assert isfinite(scored.value)
        assert -inf < scored.answers[0].with_passage <= 0
    else:
        assert scored.reason
