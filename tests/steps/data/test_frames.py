"""Frames hold the rows that the views hold, filtered, and keep their columns and types when they are empty."""

from datetime import UTC, datetime

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import PASSAGES, QUERIES, utility
from workbench.records import Annotation, Query
from workbench.store import views

Q2 = "http://q/2?x=1"


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return list(frame[list(columns)].itertuples(index=False, name=None))


@pytest.fixture
def full(store):
    """The toy store with a query of no split and tags, a second teacher and some annotations."""
    store.add_collection([Query("q5", "Of no split?", (), "", ("odd", "a|b"))])
    store.add_scored([utility("007", "ü", 0.75, "judge:1")], "probability")
    row = Annotation("q1", "p/1", "ada", "harmful", "", "", datetime(2026, 1, 1, tzinfo=UTC))
    store.add_annotations(
        [
            row,
            row._replace(verdict="useful", note="it is", grade=3, tags=("a", "b"), flagged=True, rule="got worse",
                          created=datetime(2026, 1, 2, tzinfo=UTC)),
            row._replace(annotator="bob", query_id="007", created=datetime(2026, 1, 3, tzinfo=UTC)),
            row._replace(annotator="bob", verdict="skipped", created=datetime(2026, 1, 4, tzinfo=UTC)),
        ]
    )  # fmt: skip
    return store


def test_queries_and_passages_are_all_there_by_id(full):
    frame = wb.queries(full)
    assert rows(frame, *Query._fields) == sorted([*QUERIES, Query("q5", "Of no split?", (), "", ("odd", "a|b"))])
    assert wb.queries(full, split="dev")["query_id"].tolist() == ["q4"]
    assert wb.queries(full, tag="a|b")["query_id"].tolist() == ["q5"]
    assert rows(wb.passages(full), "passage_id", "title", "text") == sorted(row[:3] for row in PASSAGES)
    assert wb.passages(full, ["ü", "p/1"])["passage_id"].tolist() == ["p/1", "ü"]
    assert wb.passages(full, []).empty
    with pytest.raises(wb.UnknownName, match="'nowhere'"):
        wb.passages(full, ["ü", "nowhere"])


def test_utilities_come_with_unit_split_and_relevance(full):
    frame = wb.utilities(full)
    assert len(frame) == 9
    assert rows(wb.utilities(full, "judge"), *frame.columns) == [
        ("007", "ü", "train", "judge:1", "probability", 0.75, 0, 2)
    ]
    of_query = wb.utilities(full, "toy", query_id="q1")
    assert rows(of_query, "passage_id", "value") == [("p/1", 2.0), ("03", 0.0), ("p 2", -0.5), ("ü", -1.0)]
    assert set(of_query["unit"]) == {"nats per token"}
    assert of_query["relevance"].isna().tolist() == [False, True, True, True]
    assert set(wb.utilities(full, split="train")["query_id"]) == {"007"}
    expected = views.utilities(full, "toy")
    assert rows(wb.utilities(full, "toy"), "query_id", "passage_id", "value") == [
        (row.query_id, row.passage_id, row.value) for row in expected
    ]


def test_hits_go_down_to_the_depth(full):
    assert rows(wb.hits(full, "after", depth=1), "query_id", "passage_id", "rank") == [(Q2, "ü", 1), ("q1", "p/1", 1)]
    frame = wb.hits(full, "after")
    assert len(frame) == 4, "the run's own depth is 2"
    assert set(zip(frame["student"], frame["split"], strict=True)) == {("after", "test")}
    assert len(wb.hits(full, "after@test", depth=9)) == 8
    assert rows(wb.hits(full, "after", query_id="q1"), "rank", "similarity") == [(1, 0.875), (2, 0.75)]
    with pytest.raises(wb.BadSetting, match="depth is 0"):
        wb.hits(full, "after", depth=0)


def test_hard_cases_are_those_of_the_view(full):
    runs = [views.find_run(full, name, "test") for name in ("after", "before")]
    cases = views.hard_cases(full, "toy", *runs, views.Thresholds(far=1))
    frame = wb.hard_cases(full, "after", before="before", teacher="toy", far=1)
    assert rows(frame, "query_id", "passage_id", "rules", "why", "strength") == [
        (case.query_id, case.passage_id, case.rules, case.why, case.strength) for case in cases
    ]
    worse = wb.hard_cases(full, "after", before="before", teacher="toy", rule="got worse")
    assert rows(worse, "query_id", "passage_id", "before", "after", "relevance") == [(Q2, "03", 1, 3, 1)]
    assert wb.hard_cases(full, "after", teacher="toy")["before"].isna().all()
    with pytest.raises(wb.UnknownName, match="rule of hard cases"):
        wb.hard_cases(full, "after", teacher="toy", rule="bad")


def test_annotations_are_last_verdicts_or_all_that_was_said(full):
    assert rows(wb.annotations(full), "query_id", "annotator", "verdict") == [
        ("q1", "ada", "useful"),
        ("007", "bob", "harmful"),
    ]
    (ada,) = wb.annotations(full, annotator="ada").to_dict("records")
    assert (ada["grade"], ada["tags"], ada["flagged"], ada["split"]) == (3, ("a", "b"), True, "test")
    assert ada["created"] == pd.Timestamp("2026-01-02", tz="UTC")
    assert wb.annotations(full, latest=False)["verdict"].tolist() == ["harmful", "useful", "harmful", "skipped"]
    assert wb.annotations(full, split="train")["annotator"].tolist() == ["bob"]


@pytest.mark.parametrize("verb", ["queries", "utilities", "hits", "hard_cases", "annotations"])
def test_a_split_that_nobody_knows_is_refused(full, verb):
    own = {"hits": ["after"], "hard_cases": ["after"]}.get(verb, [])
    with pytest.raises(wb.UnknownName, match="split named 'validation'"):
        getattr(wb, verb)(full, *own, split="validation")


def test_an_empty_frame_has_the_columns_and_types_of_a_full_one(full, tmp_path):
    empty = wb.Store(tmp_path / "an empty workspace", create=True)
    both = {
        "queries": (wb.queries(full), wb.queries(empty)),
        "passages": (wb.passages(full), wb.passages(empty)),
        "utilities": (wb.utilities(full), wb.utilities(empty)),
        "annotations": (wb.annotations(full), wb.annotations(empty)),
        "hits": (wb.hits(full, "after"), wb.hits(full, "after", query_id="007")),
        "hard cases": (
            wb.hard_cases(full, "after", teacher="toy"),
            wb.hard_cases(full, "after", teacher="toy", rule="near duplicates"),
        ),
    }
    for name, (some, none) in both.items():
        assert len(some) > 0
        assert len(none) == 0
        assert some.dtypes.to_dict() == none.dtypes.to_dict(), name
