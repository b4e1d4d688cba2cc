"""Contrasts without judgements, the list of queries and its filters, many runs, coverage, the way to the teacher."""

from __future__ import annotations

import pytest

from tests.conftest import QUERIES, run, utility
from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.evaluation.displacement import displacements
from workbench.evaluation.measures import judged_at
from workbench.evaluation.rank_correlation import rbo
from workbench.evaluation.rank_similarity import NAMES
from workbench.records import Hit, Qrel, Query
from workbench.steps.compare.compare_runs import compare_runs
from workbench.steps.compare.diff import Delta, diff
from workbench.steps.compare.filters import ComparedQuery, Filters, compared_queries, filtered, first_word
from workbench.steps.compare.rank_similarity import displacement_to_teacher, query_displacements, rank_similarity
from workbench.store import Store, views

Q2 = "http://q/2?x=1"


@pytest.fixture
def unjudged(empty: Store) -> Store:
    """Return a store without qrels and with runs of which one answers one query fewer, one more."""
    empty.add_collection([Query(f"q{n}", f"who is {n}", (), "test") for n in range(3)], _passages(), [])
    empty.add_run(run("one", depth=3), _hits("one@test", {"q0": "abc", "q1": "abc"}))
    empty.add_run(run("two", depth=3), _hits("two@test", {"q0": "abc", "q1": "cba", "q2": "a"}))
    return empty


def _passages() -> list:
    from workbench.records import Passage

    return [Passage(name, name, name) for name in "abc"]


def _hits(name: str, orders: dict[str, str]) -> list[Hit]:
    return [
        Hit(name, query_id, passage, rank, 1 - rank / 8)
        for query_id, order in orders.items()
        for rank, passage in enumerate(order, start=1)
    ]


@pytest.mark.parametrize("by", NAMES)
def test_queries_come_most_different_first_and_the_unsaid_last(unjudged: Store, by: str) -> None:
    found = rank_similarity(unjudged, "one", "two", by)
    # Of a reversed ranking the first ten are the same set.
    answered = ["q0", "q1"] if by == "Jaccard@10" else ["q1", "q0"]
    assert [(row.query_id, row.missing) for row in found.rows] == [*((name, "") for name in answered), ("q2", "before")]
    assert {row.query_id: row.value for row in found.rows}["q0"] == pytest.approx(found.alike)
    assert found.rows[-1] == ("q2", "who is 2", None, "before", ())
    assert "1 have no ranking in one of the runs" in found.in_words
    assert found.mean.n == 2


def test_the_values_are_those_of_the_rankings(unjudged: Store) -> None:
    values = {row.query_id: row.value for row in rank_similarity(unjudged, "one", "two", "RBO").rows}
    assert values["q1"] == pytest.approx(rbo("abc", "cba"))
    assert {row.query_id: row.value for row in rank_similarity(unjudged, "one", "two", "Jaccard@1").rows}["q1"] == 0.0


def test_what_cannot_be_contrasted_is_named(unjudged: Store) -> None:
    with pytest.raises(UnknownName, match=r"no rank similarity named 'goodness'.*tauAP, RBO"):
        rank_similarity(unjudged, "one", "two", "goodness")
    with pytest.raises(NothingToDo, match="without: `workbench diff --by RBO`"):
        diff(unjudged, "one", "two")


# --- the list


def test_a_contrast_orders_the_queries_and_their_deltas_stay_with_them(store: Store) -> None:
    found, other = diff(store, "before", "after", "R@1"), rank_similarity(store, "before", "after", "tauAP")
    rows = compared_queries(found, other)
    assert [row.query_id for row in rows] == [row.query_id for row in other.rows]
    assert {row.query_id: row.delta for row in rows} == {delta.query_id: delta for delta in found.deltas}
    assert {row.in_words for row in rows} == {"better", "worse"}


def test_a_run_without_a_ranking_is_told_from_one_that_found_nothing(store: Store) -> None:
    store.add_run(run("failed"), [Hit("failed@test", "q1", "p 2", 1, 0.5)])
    found = diff(store, "before", "failed", "R@1")
    assert {delta.query_id: (delta.after, delta.missing) for delta in found.deltas} == {
        "q1": (0.0, ""), Q2: (0.0, "after"),
    }  # fmt: skip
    assert found.unanswered == 1
    assert {row.query_id: row.in_words for row in compared_queries(found)} == {
        "q1": "the same",
        Q2: "worse, no ranking after",
    }


def test_a_judged_query_that_nobody_answers_stays_in_the_list(store: Store) -> None:
    for name in ("x", "y"):
        store.add_run(run(name), [Hit(f"{name}@test", "q1", "p/1", 1, 0.5)])
    rows = compared_queries(diff(store, "x", "y"), rank_similarity(store, "x", "y"))
    assert [(row.query_id, row.in_words) for row in rows] == [
        ("q1", "the same"),
        (Q2, "the same, no ranking in either"),
    ]


def row(text: str, change: float | None = 0.0, query_id: str = "q", *tags: str) -> ComparedQuery:
    delta = None if change is None else Delta(query_id, text, 0.0, change)
    return ComparedQuery(query_id, text, delta, None, "", tags)


ROWS = [
    row("Who ran?", 1.0, "q", "People", "<b>"),
    row("What is it that runs?", -1.0),
    row("who", 0.0, "q9", "people"),
    row("", None),
]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        (Filters(), [0, 1, 2, 3]),
        (Filters(only="better"), [0]),
        (Filters(only="worse"), [1]),
        (Filters(only="same"), [2]),
        (Filters(words="RUN"), [1]),
        (Filters(words="q9"), [2]),
        (Filters(first_word="who"), [0, 2]),
        (Filters(min_length=2), [0, 1]),
        (Filters(max_length=1), [2, 3]),
        (Filters(first_word="who", min_length=2, max_length=3), [0]),
        (Filters(tag=" people "), [0, 2]),
        (Filters(tag="peop"), []),
        (Filters(tag="<b>", only="better"), [0]),
    ],
)
def test_filters_leave_what_they_say(filters: Filters, kept: list[int]) -> None:
    assert filtered(ROWS, filters) == [ROWS[place] for place in kept]


def test_a_row_has_the_tags_of_its_query_by_measure_and_by_contrast(store: Store) -> None:
    store.add_collection([query._replace(tags=(query.query_id, "all")) for query in QUERIES])
    found = diff(store, "before", "after", "R@1")
    for rows in (compared_queries(found), compared_queries(found, rank_similarity(store, "before", "after"))):
        assert [row.query_id for row in filtered(rows, Filters(tag=Q2))] == [Q2]
        assert len(filtered(rows, Filters(tag="ALL"))) == 2


def test_filters_say_in_words_what_they_leave() -> None:
    assert Filters().in_words == ""
    every = Filters("same", "oil", "what", 2, 9, "a & b")
    assert every.in_words == (
        "the same, with “oil”, beginning with “what”, tagged “a & b”, at least 2 words and at most 9 words"
    )


def test_filters_that_leave_nothing_by_themselves_are_refused() -> None:
    with pytest.raises(BadSetting, match="worse, better, same or unseen"):
        Filters(only="odd")
    with pytest.raises(BadSetting, match="at least 5 and at most 2 words"):
        Filters(min_length=5, max_length=2)


def test_the_first_word_is_read_without_its_signs() -> None:
    assert [first_word(text) for text in ("“Who’s there?”", "  Who, me?", "?", "")] == ["who’s", "who", "", ""]


# --- many runs


def test_many_runs_by_hand(store: Store) -> None:
    found = compare_runs(store, ["before", "after", "before"], ["R@1", "AP"])
    assert found.students == ("before", "after")
    assert {each.query_id: each.values for each in found.rows} == {"q1": (0.0, 1.0), Q2: (1.0, 0.0)}
    assert [(each.student, each.comparison.measure) for each in found.against] == [("after", "R@1"), ("after", "AP")]
    assert found.stale == ("before", "after")


def test_many_runs_are_the_same_comparisons_with_a_p_value_for_choosing_among_them(store: Store) -> None:
    queries = [Query(f"n{n}", "text", (), "test") for n in range(12)]
    store.add_collection([*QUERIES, *queries], [], [Qrel(query.query_id, "p/1", 1) for query in queries])
    for name, best in (("base", "03"), ("good", "p/1"), ("same", "03")):
        store.add_run(run(name), [Hit(f"{name}@test", query.query_id, best, 1, 0.5) for query in queries])
    found = compare_runs(store, ["base", "good", "same"], ["R@1"])
    pairs = {row.student: row for row in found.against}
    alone = diff(store, "base", "good", "R@1").comparison
    assert pairs["good"].comparison == alone
    assert pairs["good"].selection_p == pytest.approx(2 * alone.p_value)
    assert pairs["same"].selection_p == 1.0
    assert found.rows[-1].missing == ("base", "good", "same")
    assert (found.rows[0].values, found.rows[0].missing) == ((0.0, 1.0, 0.0), ())


def test_a_table_of_one_is_refused(store: Store) -> None:
    with pytest.raises(BadSetting, match="two students"):
        compare_runs(store, ["before", "before"])


# --- thresholds, coverage


def test_each_measure_is_compared_over_its_own_queries_where_others_are_left_out(store: Store) -> None:
    store.add_collection([], [], [Qrel("q1", "p 2", 2)])
    for without_relevant, queries in (("zero", 2), ("left out", 1)):
        compared = diff(
            store, "before", "after", "AP", also=("AP(rel=2)",), without_relevant=without_relevant
        ).comparisons
        assert [(one.measure, one.difference.n) for one in compared] == [("AP", 2), ("AP(rel=2)", queries)]
    asked = diff(store, "before", "after", "AP(rel=2)", without_relevant="left out")
    assert [(delta.query_id, delta.before, delta.after) for delta in asked.deltas] == [("q1", 1.0, 0.5)]
    with pytest.raises(NothingToDo, match=r"AP\(rel=3\) cannot be measured"):
        diff(store, "before", "after", "AP(rel=3)")


def test_coverage_is_the_judged_share_of_what_a_measure_looks_at(store: Store) -> None:
    # Of the top 2: q1 before none, after one; the other query before one, after none.
    assert diff(store, "before", "after", "P@2", also=("AP", "R@1")).judged == {
        "P@2": (0.25, 0.25),
        "AP": (0.25, 0.25),
        "R@1": (0.5, 0.5),
    }
    assert (judged_at("AP"), judged_at("nDCG@5")) == ("Judged@10", "Judged@5")


def test_coverage_stands_beside_every_measure(store: Store) -> None:
    found = diff(store, "before", "after", "R@1")
    assert found.judged.keys() == {each.measure for each in found.comparisons}
    assert found.judged["R@1"] == (0.5, 0.5)


def test_two_runs_are_read_some_queries_at_a_time(unjudged: Store) -> None:
    runs = [views.find_run(unjudged, name, "test") for name in ("one", "two")]
    whole = [views.rankings(unjudged, one) for one in runs]
    for at_once in (1, 2, 9):
        blocks = list(views.rankings_of_two(unjudged, *runs, at_once))
        assert len(blocks) == -(-3 // at_once)
        assert max(len(block[0].keys() | block[1].keys()) for block in blocks) <= at_once
        for side in (0, 1):
            assert {query_id: ranking for block in blocks for query_id, ranking in block[side].items()} == whole[side]


# --- toward the teacher


def test_queries_move_toward_the_teacher_or_away(store: Store) -> None:
    found = displacement_to_teacher(store, "before", "after")
    assert found.words == {"q1": "toward the teacher", Q2: ""}
    assert displacement_to_teacher(store, "after", "before", "toy").words["q1"] == "away from the teacher"
    assert "1 moved toward its order, 0 away from it, 1 neither way" in found.in_words
    assert query_displacements(store, "before", "after", "q1", "toy")["p/1"] == "toward the teacher"
    assert query_displacements(store, "before", "after", "q1", "nobody") == {}


def test_the_distances_of_many_queries_are_those_of_each(store: Store) -> None:
    store.add_scored([utility("q1", "ü", 0.0), utility(Q2, "p 2", 1.0, "toy")], replace=True)
    runs = views.find_run(store, "before", "test"), views.find_run(store, "after", "test")
    sums = views.displacement_sums(store, "toy", runs)
    assert {query_id for query_id, *_ in sums} == {"q1", Q2}
    for query_id, before, after in sums:
        utilities = dict(views.scored_orders(store, "toy", [query_id])[query_id])
        orders = [[p for p, _ in views.scored_orders(store, "toy", [query_id], run)[query_id]] for run in runs]
        one_by_one = displacements(utilities, orders[0], orders[1])
        assert (before, after) == (sum(one.before for one in one_by_one), sum(one.after for one in one_by_one))
    (one,) = views.displacement_sums(store, "toy", runs, 1)
    assert one in sums
    assert ", drawn evenly, " in displacement_to_teacher(store, "before", "after", queries=1).in_words


def test_a_teacher_of_other_queries_says_so(store: Store) -> None:
    store.add_scored([utility("007", "03", 1.0, "other")])
    with pytest.raises(NothingToDo, match="other has scored no query of the test split that both runs rank"):
        displacement_to_teacher(store, "before", "after", "other")


def test_scored_orders_are_the_teachers_and_the_runs(store: Store) -> None:
    before = views.find_run(store, "before", "test")
    assert views.scored_orders(store, "toy", ["q1"])["q1"] == [
        ("p/1", 2.0),
        ("03", 0.0),
        ("p 2", -0.5),
        ("ü", -1.0),
    ]
    assert [p for p, _ in views.scored_orders(store, "toy", ["q1"], before)["q1"]] == [
        "p 2",
        "ü",
        "p/1",
        "03",
    ]
    assert list(views.scored_orders(store, "toy", ["q1"], before)) == ["q1"]
