"""Diff: who won and who lost, query by query, and what cannot be said."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import PASSAGES, QUERIES, run
from tests.profiles import examples
from workbench.errors import BadSetting, NothingToDo
from workbench.evaluation.measures import MEASURES
from workbench.records import Hit, Qrel, Query
from workbench.steps.compare.diff import diff
from workbench.store import Store

Q2 = "http://q/2?x=1"


def test_wins_losses_and_values_by_hand(store: Store) -> None:
    found = diff(store, "before", "after", "R@1")
    assert (found.wins, found.ties, found.losses) == (1, 0, 1)
    assert [(delta.query_id, delta.before, delta.after, delta.change) for delta in found.deltas] == [
        (Q2, 1.0, 0.0, -1.0),
        ("q1", 0.0, 1.0, 1.0),
    ]
    assert found.deltas[1].text == "What raised the price of oil?"
    assert (found.comparison.measure, found.comparison.difference.mean) == ("R@1", 0.0)
    assert "1 better, 1 worse, 0 the same of 2" in found.in_words
    assert "no difference shown (only 2 queries)" in found.in_words


def test_a_run_against_itself_changes_nothing(store: Store) -> None:
    found = diff(store, "before", "before")
    assert (found.wins, found.ties, found.losses) == (0, 2, 0)
    assert {comparison.p_value for comparison in found.comparisons} == {1.0}


def test_one_changed_query_proves_nothing(store: Store) -> None:
    store.add_run(run("same"), [Hit("same@test", "q1", "p/1", 1, 0.5), Hit("same@test", Q2, "03", 1, 0.5)])
    found = diff(store, "before", "same", "R@1")
    assert (found.wins, found.ties, found.losses) == (1, 1, 0)
    assert (found.comparison.p_value, found.comparison.verdict) == (1.0, "no difference shown")


def test_every_usual_measure_is_compared_once_the_asked_one_first(store: Store) -> None:
    assert [found.measure for found in diff(store, "before", "after", "RR").comparisons] == [
        "RR", *(name for name in MEASURES if name != "RR"),
    ]  # fmt: skip
    assert diff(store, "before", "after", "P@5").comparison.before.mean == pytest.approx(0.1)


@pytest.mark.parametrize(("alias", "name"), [("MRR", "RR"), ("MAP", "AP"), ("NDCG@10", "nDCG@10")])
def test_another_spelling_of_a_measure_is_that_measure(store: Store, alias: str, name: str) -> None:
    assert diff(store, "before", "after", alias) == diff(store, "before", "after", name)
    assert diff(store, "before", "after", alias).comparison.before.mean == 0.5


def test_runs_that_searched_other_passages_are_named(store: Store) -> None:
    assert diff(store, "before", "after").stale == ("before", "after")


def test_what_is_missing_is_named_with_a_way_out(store: Store) -> None:
    with pytest.raises(NothingToDo, match=r"no run of 'nobody'.*evaluate nobody --split test"):
        diff(store, "before", "nobody")
    with pytest.raises(BadSetting, match="not a measure"):
        diff(store, "before", "after", "goodness")
    store.add_run(run("before", "dev"), [Hit("before@dev", "q4", "03", 1, 0.5)])
    with pytest.raises(NothingToDo, match="No query of the dev split has a relevant passage"):
        diff(store, "before", "before", split="dev")


@examples(10)
@given(st.lists(st.tuples(*[st.permutations(range(4))] * 2), min_size=1, max_size=6))
def test_every_judged_query_is_won_lost_or_tied_and_worst_comes_first(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[list[int], list[int]]]
) -> None:
    store = Store(tmp_path_factory.mktemp("ws"), create=True)
    queries = [Query(f"q{number}", "text", (), "test") for number in range(len(orders))]
    store.add_collection(queries, PASSAGES, [Qrel(query.query_id, PASSAGES[0].passage_id, 1) for query in queries])
    for place, name in enumerate(("a", "b")):
        store.add_run(
            run(name, depth=4),
            [
                Hit(f"{name}@test", query.query_id, PASSAGES[number].passage_id, rank, 1 / rank)
                for query, order in zip(queries, orders, strict=True)
                for rank, number in enumerate(order[place], start=1)
            ],
        )
    found, back = diff(store, "a", "b", "RR"), diff(store, "b", "a", "RR")
    ranks = [tuple(order.index(0) + 1 for order in both) for both in orders]
    assert found.wins == back.losses == sum(after < before for before, after in ranks)
    assert found.losses == back.wins == sum(after > before for before, after in ranks)
    assert found.wins + found.ties + found.losses == len(orders)
    changes = [delta.change for delta in found.deltas]
    assert changes == sorted(changes)
    assert found.comparison.difference.mean == pytest.approx(sum(1 / b - 1 / a for a, b in ranks) / len(ranks))


def test_texts_come_with_the_deltas_whatever_the_ids_look_like(store: Store, tmp_path: Path) -> None:
    texts = {query.query_id: query.text for query in QUERIES}
    assert {delta.query_id: delta.text for delta in diff(store, "before", "after").deltas} == {
        name: texts[name] for name in ("q1", Q2)
    }
