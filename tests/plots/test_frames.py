"""A figure takes its result or the frame that the result gives, and both give the same figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from tests.plots.boards import stood
from workbench import plots
from workbench.errors import BadSetting
from workbench.plots import frames
from workbench.results import Result
from workbench.steps.compare.agreement.gap_recovered import gap_frame
from workbench.steps.compare.agreement.query_softmaxes import query_softmaxes
from workbench.steps.compare.agreement.teacher_agreement import TeacherAgreement, teacher_agreement
from workbench.steps.compare.compare_runs import compare_runs
from workbench.steps.compare.diff import diff
from workbench.steps.compare.evaluate import measured
from workbench.steps.compare.health.teacher_health import TeacherHealth, teacher_health
from workbench.steps.compare.rank_similarity import displacement_to_teacher, rank_similarity
from workbench.store import Store, views
from workbench.store.views import Moved, Point, Sample
from workbench.store.views.projected.texts import SampleSize

# one with a value, one with a word, one with neither
POINTS = (
    Point("query", "q1", 0.1, 0.2, "What?", 0.5), Point("passage", "p1", -1.0, 2.0, "That.", word="relevant"),
    Point("passage", "p2", 1.0, 0.0, "This."),
)  # fmt: skip
LINES = [{"step": 0, "dev": 0.5}, {"step": 10, "loss": 2.0}, {"step": 20, "loss": 1.0, "dev": 0.6}]


def _agreement(store: Store) -> TeacherAgreement:
    return teacher_agreement(store, "after", before="before")


def _bins(store: Store) -> list[Any]:
    return views.histogram(store, "toy", views.find_run(store, "after", "test"), "utility")


def _cells(store: Store) -> list[Any]:
    return views.density(store, "toy", views.find_run(store, "after", "test"), bins=5)


def _sample(store: Store) -> Sample:
    return views.sample_pairs(store, "toy", views.find_run(store, "after", "test"))


def _moved(store: Store) -> list[Moved]:
    runs = [views.find_run(store, name, "test") for name in ("before", "after")]
    # one passage without rank, relevance and utility: its column of ranks is one of floats in a frame
    return [*views.movements(store, *runs, "q1", teacher="toy"), Moved("new", "", "text", None, 3, None, None)]


def _placed(store: Store) -> list[Any]:
    return views.ranking(store, "q1", run=views.find_run(store, "after", "test"), teacher="toy")


def _gaps(store: Store) -> Any:
    return _agreement(store).gap_recovered


def _health(store: Store) -> TeacherHealth:
    return teacher_health(store, "toy", "test", student="before")


def _own(result: Result) -> pd.DataFrame:
    return result.to_frame()


# what is drawn from, its frame, and the figure
FIGURES: dict[str, tuple[Callable[[Store], Any], Callable[[Any], pd.DataFrame], Callable[[Any], Any]]] = {
    "waterfall": (lambda store: diff(store, "before", "after", "R@1"), _own, plots.waterfall),
    "before_after": (lambda store: diff(store, "before", "after", "R@1"), _own, plots.before_after),
    "measures": (
        lambda store: diff(store, "before", "after").comparisons,
        lambda _: pd.DataFrame(),
        plots.measures,
    ),
    "heatmap": (lambda store: compare_runs(store, ["before", "after"], ["AP"]), _own, plots.heatmap),
    "rank_similarities": (lambda store: rank_similarity(store, "before", "after"), _own, plots.rank_similarities),
    "closer": (_agreement, _own, lambda data: plots.closer(data, "regret")),
    "reliability": (lambda store: _agreement(store).reliability["relevant"], _own, plots.reliability),
    "reliability of pairs": (lambda store: _agreement(store).reliability["utility"], _own, plots.reliability),
    "gap_recovered": (_gaps, gap_frame, plots.gap_recovered),
    "recipes": (lambda _: stood(0.6, "kl", "infonce"), _own, plots.recipes),
    "parallel": (lambda _: stood(0.6, "kl", "infonce"), _own, plots.parallel),
    "health": (_health, _own, plots.health),
    "effective_passages": (_health, lambda health: health.shapes_frame(), plots.effective_passages),
    "histogram": (_bins, pd.DataFrame, lambda data: plots.histogram(data, unit="nats")),
    "density": (_cells, pd.DataFrame, lambda data: plots.density(data, "nats")),
    "scatter": (_sample, lambda sample: pd.DataFrame(sample.pairs), lambda data: plots.scatter(data, "nats")),
    "bump": (_moved, pd.DataFrame, plots.bump),
    "opened": (_placed, pd.DataFrame, plots.opened),
    "softmaxes": (lambda store: query_softmaxes(store, "q1", "after", before="before"), _own, plots.softmaxes),
    "softmaxes of one": (lambda store: query_softmaxes(store, "q1", "after"), _own, plots.softmaxes),
    "projection": (
        lambda _: views.Points(POINTS, SampleSize(1, 2, 1, 2)),
        lambda points: pd.DataFrame(points.points),
        lambda data: plots.projection(data, "utility", "nats"),
    ),
    "history": (lambda _: LINES, pd.DataFrame, plots.history),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_result_and_its_frame_give_the_same_figure(store: Store, name: str) -> None:
    made, as_frame, draw = FIGURES[name]
    result = made(store)
    table = diff(store, "before", "after").comparisons_frame() if name == "measures" else as_frame(result)
    assert len(table)
    assert draw(table).to_json() == draw(result).to_json()


def test_every_figure_is_among_these() -> None:
    drawn = {name for name in plots.__all__ if callable(getattr(plots, name)) and name not in ("Role",)}
    assert drawn == {name.split(" ")[0] for name in FIGURES}


def test_a_frame_without_its_columns_is_refused() -> None:
    for draw in (plots.waterfall, plots.heatmap, plots.recipes, plots.measures, plots.bump):
        with pytest.raises(BadSetting, match="The frame has no column"):
            draw(pd.DataFrame({"other": [1]}))


def test_rows_come_back_from_a_frame_as_they_were(store: Store) -> None:
    moved = _moved(store)
    assert frames.rows(Moved, pd.DataFrame(moved)) == moved


@pytest.mark.parametrize(
    "made",
    [
        lambda store: measured(store, views.find_run(store, "after", "test")),
        lambda store: displacement_to_teacher(store, "before", "after"),
        *(of for of, frame, _ in FIGURES.values() if frame is _own),
    ],
)
def test_a_result_says_what_its_columns_hold_and_shows_itself(store: Store, made: Callable[[Store], Result]) -> None:
    result = made(store)
    table = result.to_frame()
    assert list(table.columns)[: len(result.columns)] == list(result.columns)
    assert all(result.columns.values())
    shown = result._repr_html_()
    assert "<table" in shown
    assert len(table) and result.in_words
