"""The dev evaluator measures what `evaluate` measures, over the same queries and at the same level of relevance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.steps.teach.quick import QUICK
from workbench import students
from workbench.errors import NothingToDo
from workbench.records import Passage, Qrel, Query
from workbench.steps.compare.evaluate import evaluate, measured
from workbench.steps.data.workspace_settings import with_settings
from workbench.steps.teach import dev_evaluator as step
from workbench.steps.teach.dev_evaluator import dev_evaluator
from workbench.steps.teach.planning.plan import plan
from workbench.store import Store, views


@pytest.mark.parametrize(
    ("settings", "measure", "n"),
    [
        ({}, "AP", 10),
        ({"without_relevant": "left out"}, "AP", 9),
        ({"relevance": 2}, "AP(rel=2)", 10),
        ({"relevance": 2, "without_relevant": "left out"}, "AP(rel=2)", 1),
    ],
)
def test_dev_is_measured_as_evaluate_measures_it(
    school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], measure: str, n: int
) -> None:
    more = [Query(name, f"question{n} of", (), "dev") for n, name in enumerate(("graded", "none", "unjudged"))]
    school.add_collection(more, (), [Qrel("graded", "p0-0", 2), Qrel("graded", "p0-1", 1), Qrel("none", "p1-0", 0)])
    evaluate(school, untrained, "dev")
    store = with_settings(school, **settings)
    planned = plan(store, untrained, "toy", replace(QUICK, measure="AP"))
    assert planned.settings.measure == measure
    assert ("measure" in planned.recipe["resolved"]) == (measure != "AP")
    mean = measured(store, views.find_run(school, untrained, "dev"), ["AP"]).measures[measure]
    assert mean.n == n
    model = students.load(students.find(untrained, school.students))
    assert dev_evaluator(store, planned.settings)(model).value == pytest.approx(mean.mean)
    monkeypatch.setattr(step, "PASSAGES_AT_ONCE", 7)
    monkeypatch.setattr(step, "QUERIES_AT_ONCE", 3)
    assert dev_evaluator(store, planned.settings)(model).value == pytest.approx(mean.mean), "part by part"


def test_dev_is_measured_on_its_unseen_queries_too_where_train_has_seen_some(school: Store, untrained: str) -> None:
    planned, model = plan(school, untrained, "toy", QUICK), students.load(students.find(untrained, school.students))
    assert dev_evaluator(school, planned.settings)(model).unseen is None, "all are seen"
    own = [Passage("apart0", "", "of question0 x0"), Passage("apart1", "", "the answer3 x1")]
    more = [Query("mine", "question0 x0 of", (), "dev"), Query("other", "question1 x1 of", (), "dev")]
    school.add_collection(more, own, [Qrel("mine", "apart0", 1), Qrel("other", "apart1", 1)])
    evaluate(school, untrained, "dev")
    whole = measured(school, views.find_run(school, untrained, "dev"), ["nDCG@10"])
    dev = dev_evaluator(school, planned.settings)(model)
    assert dev.value == pytest.approx(whole.measures["nDCG@10"].mean)
    assert whole.unseen_measures["nDCG@10"].n == 2
    assert dev.unseen == pytest.approx(whole.unseen_measures["nDCG@10"].mean)
    assert dev.unseen != pytest.approx(dev.value)


def test_dev_without_a_passage_of_the_level_is_refused(school: Store, untrained: str) -> None:
    store = with_settings(school, relevance=2)
    planned = plan(store, untrained, "toy", QUICK)
    with pytest.raises(NothingToDo, match="No query of the dev split has a passage of relevance 2 or more"):
        dev_evaluator(store, planned.settings)
