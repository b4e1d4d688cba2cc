"""Leaderboard: seeds taken together, recipes held against their base, and Holm for choosing one; numbers by hand."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from math import sqrt
from typing import Any

import pyarrow as pa
import pytest

from tests.conftest import run
from workbench.records import Hit, Passage, Qrel, Query
from workbench.steps.compare.diff import diff
from workbench.steps.compare.leaderboard import leaderboard
from workbench.store import Store, add_ranking, views
from workbench.trainer import TrainSettings

QUERIES = 8


@pytest.fixture
def judged(empty: Store) -> Store:
    """Return a workspace of eight test queries with one relevant passage each, and four passages in all."""
    queries = [Query(f"q{n}", f"what {n}", (), "test") for n in range(QUERIES)]
    empty.add_collection(queries, [Passage(f"p{n}", "", f"text {n}") for n in range(4)],
                         [Qrel(query.query_id, "p0", 1) for query in queries])  # fmt: skip
    return empty


def ranked(store: Store, name: str, *ranks: int) -> None:
    """Add a run that puts the relevant passage of each query on a rank: the reciprocal is its RR."""
    made = run(name, depth=4)._replace(collection=views.collection_fingerprint(store))
    ranks = ranks * QUERIES if len(ranks) == 1 else ranks
    others = [["p1", "p2", "p3"] for _ in ranks]
    for order, rank in zip(others, ranks, strict=True):
        order.insert(rank - 1, "p0")
    placed = ((n, place, passage) for n, order in enumerate(others) for place, passage in enumerate(order, start=1))
    store.add_run(made, [Hit(made.run, f"q{n}", passage, place, 1 - place / 8) for n, place, passage in placed])


def student(store: Store, name: str, loss: str, seed: int, dev: float = 0.6, **more: Any) -> None:
    settings = TrainSettings(loss=loss, seed=seed, steps=50, batch_size=4, candidates=8)
    outcome = {"measure": "nDCG@10", "dev_before": 0.5, "dev_after": dev, "steps": 40, "best_step": 30, "seconds": 10.0,
               "stopped": "budget", "teacher_temperature": 0.75, "learning_rate": 0.003}  # fmt: skip
    outcome |= more.pop("outcome", {})
    recipe = {"name": name, "base": "base", "teacher": "toy", "loss": loss, "seed": seed, "settings": asdict(settings),
              "outcome": outcome, "created": f"2026-01-01T00:00:0{seed}", "versions": {"torch": str(seed)},
              "checksums": {"model.safetensors": name}}  # fmt: skip
    folder = store.students / name
    folder.mkdir(parents=True)
    (folder / "student.json").write_text(json.dumps(recipe | more))


def test_seeds_are_one_recipe_and_holm_adjusts_the_choice_among_recipes(judged: Store) -> None:
    ranked(judged, "base", 2)
    for name, loss, seed, dev, rank in (
        ("a1", "kl", 1, 0.7, 1),
        ("a2", "kl", 2, 0.6, 2),
        ("b1", "infonce", 1, 0.5, 4),
        ("c1", "utility_infonce", 1, 0.55, 2),
    ):
        student(judged, name, loss, seed, dev)
        ranked(judged, name, rank)
    found = leaderboard(judged, measure="RR", also=("R@1",))
    assert found.differing == ("loss",)
    a, c, b = found.recipes  # by dev: 0.65, 0.55, 0.5
    assert [each.label for each in (a, c, b)] == ["loss=kl", "loss=utility_infonce", "loss=infonce"]
    assert (a.students, a.seeds, a.evaluated, a.above_base) == (("a1", "a2"), (1, 2), 2, 1)
    # means 1 and 1/2: mean 3/4, sample deviation sqrt(2 * (1/4)^2)
    assert a.measures["RR"] == pytest.approx((0.75, sqrt(2) / 4, 2))
    assert a.dev == pytest.approx((0.65, sqrt(2) / 20, 2))
    assert b.measures["RR"] == (0.25, None, 1)
    # every query moved the same way: of 2^8 signs two are as extreme; Holm: 3 * 2/256 for both, and 1
    for each, change, p, verdict in (
        (a, 0.25, 2 / 256, "better"), (b, -0.25, 2 / 256, "worse"), (c, 0.0, 1.0, "no difference shown")
    ):  # fmt: skip
        assert each.comparison is not None
        assert (each.comparison.difference.mean, each.comparison.adjusted_p) == pytest.approx((change, p))
        assert (each.verdict, each.selection_p) == (verdict, pytest.approx(min(1.0, 3 * p)))
    assert (
        a.in_words == "better than its base (only 8 queries): RR +0.250, 95 % interval +0.250 to +0.250, p = 0.008, "
        "1 of 2 seeds above it"
    )
    assert found.best == a
    assert (
        "4 students by 3 recipes. Dev chooses loss=kl (nDCG@10 0.650 ± 0.071 over 2 seeds, 0.500 before)."
        in found.in_words
    )
    assert "of 3 recipes: 1 better, 1 no difference shown, 1 worse (only 8 queries). To choose among" in found.in_words
    assert found.to_frame()["selection_p"].tolist() == pytest.approx([6 / 256, 1.0, 6 / 256])


def test_one_of_many_recipes_is_better_than_its_base_and_not_shown_to_be_the_one_to_choose(judged: Store) -> None:
    ranked(judged, "base", 2)
    for place, loss in enumerate(("kl", "infonce", "utility_infonce")):
        student(judged, loss, loss, 1)
        ranked(judged, loss, *([1] * 6 + [2, 2] if place == 0 else [2] * QUERIES))
    board = leaderboard(judged, measure="RR")
    first, *_ = (recipe for recipe in board.recipes if recipe.label == "loss=kl")
    # six queries moved: 2/64 alone, 6/64 as one of three
    assert first.comparison is not None
    assert (first.comparison.p_value, first.selection_p) == pytest.approx((2 / 64, 6 / 64))
    assert first.verdict == "better"
    assert "To choose among the 3 recipes, adjusted for all of them (Holm): 3 no difference shown." in board.in_words


def test_on_the_split_that_chose_a_recipe_its_gain_is_called_optimistic(judged: Store) -> None:
    student(judged, "s", "kl", 1)
    words = "The same queries chose it, so that its gain there is optimistic."
    assert words not in replace(leaderboard(judged), split="dev").in_words
    for name in ("base", "s"):
        ranked(judged, name, 1)
    assert words not in leaderboard(judged).in_words
    assert words in replace(leaderboard(judged), split="dev").in_words


def test_the_same_seed_twice_counts_once_and_an_unfinished_training_apart(judged: Store) -> None:
    ranked(judged, "base", 2)
    for name, more in (("one", {}), ("again", {}), ("half", {"outcome": {"stopped": "asked"}})):
        student(judged, name, "kl", 1, **more)
        ranked(judged, name, 1)
    whole, half = sorted(leaderboard(judged).recipes, key=lambda each: each.label)
    assert len(whole.students) == 1
    assert (half.label, half.students) == ("loss=kl, unfinished", ("half",))


def test_what_was_left_open_is_shown_as_it_was_used_and_costs_are_counted(judged: Store) -> None:
    student(judged, "s", "kl", 1)
    (base, row) = leaderboard(judged).students
    assert (base.student, base.measures) == ("base", {})
    assert (row.settings["teacher_temperature"], row.settings["label_overrides"]) == (0.75, False)
    assert (row.steps, row.pairs, row.seconds) == (40, 40 * 4 * 8, 10.0)


def test_what_was_not_evaluated_is_said(judged: Store) -> None:
    assert leaderboard(judged).in_words == "No student has been trained in this workspace yet."
    student(judged, "s", "kl", 1)
    assert ": not evaluated: its students have no measures on test" in leaderboard(judged).in_words
    ranked(judged, "s", 1)
    assert "its base base has no measures on test" in leaderboard(judged).in_words
    assert leaderboard(judged, "dev").recipes[0].verdict == "not evaluated"


def test_a_run_over_other_passages_is_stale(judged: Store) -> None:
    student(judged, "s", "kl", 1)
    ranked(judged, "s", 1)
    judged.add_collection((), [Passage("new", "", "more")], ())
    assert [row.student for row in leaderboard(judged).students if row.stale] == ["s"]


def test_an_interval_without_0_shows_nothing_while_p_is_above_the_level(judged: Store) -> None:
    more = [Query(f"q{n}", f"what {n}", (), "test") for n in range(QUERIES, 17)]
    judged.add_collection(more, [Passage(f"far{n}", "", f"far {n}") for n in range(6)],
                          [Qrel(query.query_id, "p0", 1) for query in more])  # fmt: skip
    before, after = [3, 4, 8, 7, 6, 8, 6, 1, 3, 8, 7, 9], [1, 2, 3, 4, 3, 2, 1, 4, 2, 2, 2, 4]
    others = ["p1", "p2", "p3", *(f"far{n}" for n in range(6))]
    for name, ranks in {"base": before, "trained": after}.items():
        made = run(name, depth=10)
        orders = {f"q{n}": [*others[: rank - 1], "p0"] for n, rank in enumerate([*ranks, 1, 1, 1, 1, 1])}
        hits = [Hit(made.run, q, p, rank, 1 / rank) for q, order in orders.items() for rank, p in enumerate(order, 1)]
        judged.add_run(made, hits)
    student(judged, "trained", "kl", 1)
    compared = diff(judged, "base", "trained", "RR", also=())
    (recipe,) = leaderboard(judged, "test", "RR").recipes
    for comparison, words in ((compared.comparison, compared.in_words), (recipe.comparison, recipe.in_words)):
        assert comparison is not None
        assert (comparison.difference.n, f"{comparison.p_value:.3f}") == (17, "0.056")
        assert comparison.difference.low > 0
        assert comparison.verdict == "no difference shown"
        assert "no difference shown" in words
        assert "(only 17 queries)" in words
        assert "better than" not in words
    assert not compared.regressed()
    assert (recipe.verdict, recipe.label in leaderboard(judged, "test", "RR").in_words) == ("no difference shown", True)


def test_an_imported_run_is_listed_as_one(judged: Store) -> None:
    ranked(judged, "base", 2)
    table = pa.table({"query_id": ["q0"], "passage_id": ["p0"], "similarity": [1.0]})
    add_ranking(judged, "theirs", [table], "collection")
    rows = {row.student: row for row in leaderboard(judged, "test", "RR").students}
    assert {name: row.label for name, row in rows.items()} == {"base": "base", "theirs": "theirs (imported run)"}
    assert rows["theirs"].measures["RR"].mean == 1 / QUERIES
