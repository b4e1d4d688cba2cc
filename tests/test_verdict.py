"""Better means one thing: every face prints the verdict of the comparison it shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import run, utility
from tests.shell import shell, worked
from workbench import plots
from workbench.evaluation.comparison import Comparison, adjusted, compare
from workbench.records import Candidate, Hit, Passage, Qrel, Query
from workbench.report import Report, page
from workbench.steps.compare.compare_runs import compare_runs
from workbench.steps.compare.diff import diff
from workbench.steps.compare.leaderboard import Leaderboard
from workbench.steps.compare.recipes import Recipe
from workbench.steps.compare.run_measures import JudgedCounts
from workbench.steps.compare.teacher_agreement import closeness, teacher_agreement
from workbench.store import Store

pytestmark = pytest.mark.slow

MOVED = {"frail": 6, "poor": 10, "same": 0}
VERDICTS = {"frail": "no difference shown", "poor": "worse", "same": "no difference shown"}


@pytest.fixture
def many(empty: Store) -> Store:
    """Return thirty judged test queries; a student of MOVED loses so many of those that "good" wins.

    Six lost: the interval excludes 0, and p = 2/64 is no longer below 0.05 once it is adjusted for the measures.
    """
    queries = [Query(f"n{n}", f"text {n}", (), "test") for n in range(30)]
    passages = [Passage(name, "", name) for name in ("right", "wrong")]
    empty.add_collection(queries, passages, [Qrel(query.query_id, "right", 1) for query in queries])
    empty.add_candidates(Candidate(query.query_id, p.passage_id, "bm25") for query in queries for p in passages)
    for query in queries:
        empty.add_scored([utility(query.query_id, "right", 1.0), utility(query.query_id, "wrong", 0.0)])
    for name, moved in {"good": 0, **MOVED}.items():
        hits = [
            Hit(f"{name}@test", query.query_id, passage, rank, 1 - rank / 8)
            for n, query in enumerate(queries)
            for rank, passage in enumerate(("wrong", "right") if n < moved else ("right", "wrong"), start=1)
        ]
        empty.add_run(run(name), hits)
    return empty


@pytest.mark.parametrize("student", MOVED)
def test_every_face_prints_the_verdict_of_the_comparison(many: Store, student: str, tmp_path: Path) -> None:
    verdict, worse = VERDICTS[student], VERDICTS[student] == "worse"
    compared = diff(many, "good", student, "RR")
    words = "worse than before" if worse else verdict
    assert (compared.comparison.verdict, compared.comparison.in_words) == (verdict, words)
    assert compared.in_words.endswith(f"): {words}.")
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
    assert frail.p_value < 0.05
    alone = diff(many, "good", "frail", "RR", also=()).comparison
    assert (alone.adjusted_p, alone.verdict) == (alone.p_value, "worse")


def test_a_pair_among_many_runs_has_one_verdict_on_a_screen(many: Store) -> None:
    # alone "frail" is one of eight measures, here one of two students: another family, and so one p-value for all
    printed = worked("diff", "good", "frail", "same", "--measure", "RR", "--json", workspace=many.path).json
    (of_diff,) = (one for one in printed["diff"]["comparisons"] if one["measure"] == "RR")
    (of_table,) = (one["comparison"] for one in printed["table"]["against"] if one["student"] == "frail")
    assert of_diff == of_table
    assert of_diff["adjusted_p"] == pytest.approx(4 / 64)
    runs = compare_runs(many, ["good", "frail", "same"], ["RR"])
    report = page(many, Report(diff(many, "good", "frail", "RR"), table=runs))
    assert f", {runs.against[0].comparison.evidence}: no difference shown." in report
    assert [one.student for one in compare_runs(many, ["good", "frail", "poor"], ["RR"]).regressed()] == [
        "frail",
        "poor",
    ]


@pytest.mark.parametrize("student", MOVED)
def test_agreement_with_a_teacher_is_judged_by_the_same_rule(many: Store, student: str) -> None:
    found = teacher_agreement(many, student, before="good")
    (one,) = (each for each in found.comparisons if each.measure == "regret")
    assert closeness(one) == ("farther from the teacher" if student == "poor" else "no difference shown")
    assert (one.verdict, one.difference.mean >= 0) == (VERDICTS[student], True)
    assert found.comparisons_frame().set_index("measure").verdict["regret"] == one.verdict
    printed = worked("agreement", student, "--before", "good", workspace=many.path).out
    assert _line(printed, "regret", "0.").endswith(closeness(one))


def _recipe(comparison: Comparison) -> Recipe:
    return Recipe("loss=kl", "base", "toy", {}, ("s",), (1,), "RR", 0.4, None, 9.0, 40, 80, {}, comparison, 1, 1)


def test_a_recipe_has_the_verdict_of_its_comparison() -> None:
    one = compare("RR", [1.0] * 30, [0.0] * 6 + [1.0] * 24)
    for comparison in (one, adjusted([one] * 8)[0], compare("RR", [0.0] * 30, [1.0] * 30)):
        recipe = _recipe(comparison)
        board = Leaderboard("test", ("RR",), (), (), (recipe,), JudgedCounts(30))
        assert recipe.verdict == comparison.verdict
        assert recipe.in_words.startswith(comparison.verdict)
        assert {trace.name for trace in plots.parallel(board).data} == {comparison.verdict}
    assert replace(recipe, comparison=None).verdict == "not evaluated"
