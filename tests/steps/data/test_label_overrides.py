"""Verdicts take a utility's place in one way, whether a student is trained on them or a file is written of them."""

from collections import Counter

import pytest

from tests.conftest import utility
from workbench.errors import NothingToDo
from workbench.records import Passage, Query
from workbench.steps.annotate.annotate import annotate
from workbench.steps.data.label_overrides import overridden_examples, override_labels
from workbench.steps.data.training_rows import ExportSettings, training_parts
from workbench.store import views

VERDICTS = {
    "tied for the best": "useless",
    "tied for the worst": "useful",
    "agreed": "useful",
    "unscored and useful": "useful",
    "unscored and harmful": "harmful",
    "not sure": "unsure",
}


@pytest.fixture
def judged(empty):
    """Two queries of train: one with every kind of verdict, of ids against the order they belong in; one with none."""
    scored = {"tied for the best": 2.0, "agreed": 2.0, "a best": 2.0, "tied for the worst": -1.0, "a worst": -1.0}
    scored |= {"disputed": 0.5, "not sure": 0.25}
    unscored = [name for name in VERDICTS if name not in scored]
    queries = [Query(name, name, ("a",), "train") for name in ("judged", "quiet", "unscored")]
    empty.add_collection(queries, [Passage(name, "", name) for name in (*scored, *unscored)])
    rows = [utility(query, name, value) for query in ("judged", "quiet") for name, value in scored.items()]
    empty.add_scored(rows, "nats per token")
    for name, verdict in VERDICTS.items():
        annotate(empty, "judged", name, verdict, "ada")
    annotate(empty, "judged", "disputed", "useful", "ada")
    annotate(empty, "judged", "disputed", "harmful", "bob")
    annotate(empty, "unscored", "a best", "useful", "ada")
    return empty


def test_training_and_exports_learn_from_the_same_examples(judged):
    exported = list(training_parts(judged, ExportSettings(teacher="toy", split="train")))
    trained, label_overrides = overridden_examples(judged, views.examples(judged, "toy", "train"))
    assert [example.query.query_id for example in trained] == ["judged"]
    both = [example for part in exported for example in part.examples if example.query.query_id == "judged"]
    assert [(one.query, one.passages, one.values) for one in both] == [
        (one.query, one.passages, one.utilities) for one in trained
    ]
    assert (label_overrides.verdicts, label_overrides.overrode, label_overrides.added) == (5, 2, 2)
    assert sum((Counter(part.counts) for part in exported), Counter()) == {
        "teacher_overruled": 2,
        "verdicts_agreeing": 1,
        "added_by_verdict": 2,
        "verdicts_undecided": 2,
        "verdicts_on_unscored_queries": 1,
    }


def test_of_equal_utilities_those_that_people_call_useful_come_first(judged):
    judged_query, quiet = override_labels(judged, views.examples(judged, "toy", "train"))
    assert [
        (passage.passage_id, value)
        for passage, value in zip(judged_query.example.passages, judged_query.example.utilities, strict=True)
    ] == [
        ("agreed", 2.0),
        ("tied for the worst", 2.0),
        ("unscored and useful", 2.0),
        ("a best", 2.0),
        ("disputed", 0.5),
        ("not sure", 0.25),
        ("a worst", -1.0),
        ("tied for the best", -1.0),
        ("unscored and harmful", -1.0),
    ]
    assert {"unscored and useful", "unscored and harmful"} <= judged_query.example.known
    assert quiet.example == views.examples(judged, "toy", "train")[1]


def test_without_a_verdict_that_holds_there_is_nothing_to_override(judged):
    quiet = [example for example in views.examples(judged, "toy", "train") if example.query.query_id == "quiet"]
    with pytest.raises(NothingToDo, match="verdict that is settled"):
        overridden_examples(judged, quiet)
