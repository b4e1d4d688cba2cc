"""Better means one thing: every face prints the verdict of the comparison it shows."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from html import escape
from pathlib import Path

import pytest

from tests.conftest import run, utility
from tests.shell import shell, worked
from tests.workspaces import copy_of
from workbench import plots
from workbench.evaluation.comparison import Comparison, adjusted, compare, printed_p
from workbench.records import Candidate, Hit, Passage, Qrel, Query
from workbench.report import Report, page
from workbench.steps.compare.agreement.teacher_agreement import closeness, teacher_agreement
from workbench.steps.compare.compare_runs import compare_runs
from workbench.steps.compare.diff import diff
from workbench.steps.compare.leaderboard import Leaderboard, leaderboard
from workbench.steps.compare.model_card import about
from workbench.steps.compare.recipes import Recipe
from workbench.steps.compare.run_measures import JudgedCounts
from workbench.store import Store
from workbench.students import read
from workbench.trainer import TrainSettings

pytestmark = pytest.mark.slow

MOVED = {"frail": 5, "lame": 6, "poor": 10, "same": 0}
VERDICTS = {"frail": "no difference shown", "lame": "worse", "poor": "worse", "same": "no difference shown"}


@pytest.fixture
def many(tmp_path: Path) -> Store:
    return copy_of(thirty_queries, tmp_path / "a workspace")


def thirty_queries(store: Store) -> None:
    """Fill a store with thirty judged test queries; a student of MOVED loses so many of those that "good" wins.

    Five lost: the interval excludes 0, and p = 2/32 is not below 0.05. Six: p = 2/64 is, and no longer where it is
    adjusted for several measures or students. Each was trained from "good", by a recipe of its own.
    """
    queries = [Query(f"n{n}", f"text {n}", (), "test") for n in range(30)]
    passages = [Passage(name, "", name) for name in ("right", "wrong")]
    store.add_collection(queries, passages, [Qrel(query.query_id, "right", 1) for query in queries])
    store.add_candidates(Candidate(query.query_id, p.passage_id, "bm25") for query in queries for p in passages)
    utilities = (("right", 1.0), ("wrong", 0.0))
    store.add_scored([utility(query.query_id, *passage) for query in queries for passage in utilities])
    for name, moved in {"good": 0, **MOVED}.items():
        hits = [
            Hit(f"{name}@test", query.query_id, passage, rank, 1 - rank / 8)
            for n, query in enumerate(queries)
            for rank, passage in enumerate(("wrong", "right") if n < moved else ("right", "wrong"), start=1)
        ]
        store.add_run(run(name), hits)
        if name != "good":
            _trained(store, name, moved)


def _trained(store: Store, name: str, steps: int) -> None:
    outcome = {"measure": "RR", "dev_before": 0.5, "dev_after": 0.6, "steps": 4, "best_step": 3, "seconds": 1.0}
    settings = asdict(TrainSettings(steps=steps + 1, batch_size=4, candidates=8))
    recipe = {"name": name, "base": "good", "teacher": "toy", "loss": "kl", "seed": 13, "created": "2026",
              "settings": settings, "outcome": {**outcome, "stopped": "budget"}}  # fmt: skip
    (store.students / name).mkdir(parents=True)
    (store.students / name / "student.json").write_text(json.dumps(recipe))


@pytest.mark.parametrize("student", MOVED)
def test_every_face_prints_the_verdict_of_the_comparison(many: Store, student: str, tmp_path: Path) -> None:
    verdict, worse = VERDICTS[student], VERDICTS[student] == "worse"
    compared = diff(many, "good", student, "RR")
    words = "worse than before" if worse else verdict
    assert (compared.comparison.verdict, compared.comparison.in_words) == (verdict, words)
    assert compared.in_words.endswith(f", {compared.comparison.p_in_words}: {words}.")
    assert compared.regressed() == worse

    printed = worked("diff", "good", student, "--measure", "RR", workspace=many.path).out
    assert f": {words}." in printed
    assert _line(printed, "RR", "-0." if MOVED[student] else "+0.000").endswith(verdict)
    gate = shell("diff", "good", student, "--measure", "RR", "--fail-on-regression", workspace=many.path)
    assert (gate.code, "is worse on RR" in gate.err) == (int(worse), worse)

    report = page(many, Report(compared))
    assert f": {words}." in report
    assert f"<td>{verdict}</td>" in report
    stars = [note.text for note in plots.measures(compared.comparisons).layout.annotations]
    assert any(text.endswith(" *") for text in stars) == worse


def _line(printed: str, *parts: str) -> str:
    (found,) = (line for line in printed.splitlines() if line.startswith(parts[0] + " ") and parts[1] in line)
    return found.rstrip()


def test_two_tests_that_disagree_show_no_difference(many: Store) -> None:
    frail = diff(many, "good", "frail", "RR").comparison
    assert frail.difference.high < 0 < 0.05 < frail.adjusted_p
    assert (frail.p_value, frail.adjusted_p) == pytest.approx((2 / 32, 2 / 32))


def test_the_measure_asked_for_stands_alone_and_the_others_are_secondary(many: Store) -> None:
    primary, *others = diff(many, "good", "lame", "RR").comparisons
    assert (primary.measure, primary.adjusted_p, primary.verdict) == ("RR", primary.p_value, "worse")
    assert primary == diff(many, "good", "lame", "RR", also=()).comparison
    moved = [one for one in others if one.p_value < 1]
    assert [(one.family, one.verdict) for one in moved] == [(len(others), "no difference shown")] * len(moved)
    assert moved
    assert "Holm, 6 secondary measures" in moved[0].evidence


def test_a_pair_has_one_verdict_and_one_p_value_on_every_face(many: Store) -> None:
    runs, board = compare_runs(many, ["good", *MOVED]), leaderboard(many)
    printed = worked("diff", "good", *MOVED, "--json", workspace=many.path).json["table"]["against"]
    listed = worked("students", workspace=many.path).out
    for student in MOVED:
        alone = diff(many, "good", student)
        one = alone.comparison
        assert next(row.comparison for row in runs.against if row.student == student) == one
        (of_table,) = (row["comparison"] for row in printed if row["student"] == student)
        assert (of_table["p_value"], of_table["adjusted_p"]) == (one.p_value, one.p_value)
        recipe = next(recipe for recipe in board.recipes if recipe.students == (student,))
        assert recipe.comparison == one
        assert f"nDCG@10 {one.evidence}, " in listed
        rows = page(many, Report(alone, table=runs)).split("<tr>")
        cells = next(row for row in rows if row.startswith('<td class="text">nDCG@10</td>'))
        finding, p_value = f"<td>{one.verdict}</td>", f"<td>{escape(printed_p(one.p_value))}</td>"
        assert (finding in cells, cells.count(p_value) >= 2) == (True, True)  # as p and as p (Holm)
        among_many = next(row for row in rows if row.startswith(f'<td class="text">{student}</td>'))
        assert (finding in among_many, p_value in among_many) == (True, True)
        card = about(many, read(many.students / student)).measures
        assert card is not None
        on_card = {row[0]: row[3] for row in card.rows}
        same = [one for one in alone.comparisons if one.measure in on_card]
        assert [on_card[one.measure] for one in same] == [f"{one.difference.signed}, {one.verdict}" for one in same]
        assert one in same
    assert [row.student for row in runs.regressed()] == ["lame", "poor"]


@pytest.mark.parametrize("student", MOVED)
def test_agreement_with_a_teacher_is_judged_by_the_same_rule(many: Store, student: str) -> None:
    agreement = teacher_agreement(many, student, before="good")
    (one,) = (row for row in agreement.comparisons if row.measure == "regret")
    # regret is a secondary measure of agreement: what six queries show of it, they show no longer among all of them
    assert closeness(one) == ("farther from the teacher" if student == "poor" else "no difference shown")
    assert (one.verdict, one.difference.mean >= 0) == ("worse" if student == "poor" else "no difference shown", True)
    assert agreement.headline and (agreement.headline.secondary, one.secondary) == (False, True)
    assert agreement.comparisons_frame().set_index("measure").verdict["regret"] == one.verdict
    printed = worked("agreement", student, "--before", "good", workspace=many.path).out
    assert _line(printed, "regret", "0.").endswith(closeness(one))


def _recipe(comparison: Comparison) -> Recipe:
    return Recipe("loss=kl", "base", "toy", {}, ("s",), (1,), "RR", 0.4, None, 9.0, 40, 80, {}, comparison, 1, 1)


def test_a_recipe_has_the_verdict_of_its_comparison() -> None:
    one = compare("RR", [1.0] * 30, [0.0] * 6 + [1.0] * 24)
    secondary = [replace(one, measure=f"P@{n}") for n in range(8)]
    for comparison in (one, adjusted([one, *secondary], "RR")[1], compare("RR", [0.0] * 30, [1.0] * 30)):
        recipe = _recipe(comparison)
        board = Leaderboard("test", ("RR",), (), (), (recipe,), JudgedCounts(30))
        assert recipe.verdict == comparison.verdict
        assert recipe.in_words.startswith(comparison.verdict)
        assert {trace.name for trace in plots.parallel(board).data} == {comparison.verdict}
    assert replace(recipe, comparison=None).verdict == "not evaluated"
