"""Figures: what they draw, what they leave out, and colours that everyone can tell apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tests.plots.boards import stood
from workbench import plots
from workbench.evaluation.teacher_agreement import TEACHER_AGREEMENTS
from workbench.plots import look
from workbench.steps.compare.agreement.teacher_agreement import teacher_agreement
from workbench.steps.compare.compare_runs import compare_runs
from workbench.steps.compare.diff import diff
from workbench.steps.compare.rank_similarity import rank_similarity
from workbench.store import Store, views
from workbench.store.views import Bin, Moved, Pair, Placed, Sample

NASTY = '<b onmouseover="x">$\\alpha$</b> %{x} & more'
SYSTEMS = (look.TEACHER, look.BEFORE, look.AFTER, look.BM25)
VERDICTS = (look.RELEVANT, look.USEFUL, look.USELESS, look.HARMFUL)
# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
VISIONS = {
    "full": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("role", plots.ROLES.values(), ids=lambda role: role.word)
@pytest.mark.parametrize("ground", ["#FFFFFF", "#11151B"])
def test_every_role_stands_out_on_light_and_on_dark(role: look.Role, ground: str) -> None:
    light = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) + 0.05 for colour in (role.colour, ground))
    assert light[1] / light[0] >= 3


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("family", [SYSTEMS, VERDICTS], ids=["systems", "verdicts"])
def test_roles_that_meet_in_a_figure_are_told_apart(family: tuple[look.Role, ...], vision: str) -> None:
    for one, other in combinations(family, 2):
        seen = [lab(VISIONS[vision] @ linear(role.colour)) for role in (one, other)]
        assert np.linalg.norm(seen[0] - seen[1]) > 11, (one.word, other.word)
        assert one.sign != other.sign


def test_foreign_text_is_only_text_in_hover_boxes_and_labels() -> None:
    assert look.safe(NASTY) == '&lt;b onmouseover="x"&gt;&#36;\\alpha&#36;&lt;/b&gt; %{x} &amp; more'
    assert look.safe("one  two\nthree four", 12) == "one two thr…"
    pair = Pair("q<i>", "p", NASTY, NASTY, 0.5, 1.0, 1, 0, False)
    moved = Moved("p", NASTY, NASTY, 1, 2, 1, 0.5)
    placed = Placed("p", NASTY, NASTY, 1, 0.5, 1, 0.5)
    for figure in (plots.scatter(Sample((pair,), 9)), plots.bump([moved]), plots.opened([placed])):
        assert "<b onmouseover" not in figure.to_json().replace("\\u003c", "<")
        assert all(trace.hovertemplate is None for trace in figure.data)


def test_a_histogram_draws_each_group_as_shares_of_its_own() -> None:
    figure = plots.histogram([Bin(-1, 0, 1, 30), Bin(0, 1, 3, 10)], unit="nats per token")
    other, relevant = figure.data
    assert list(other.y) == [0.75, 0.25]
    assert list(relevant.y) == [0.25, 0.75]
    assert "4 pairs" in relevant.name
    assert figure.layout.xaxis.title.text == "utility, nats per token"


def test_a_histogram_of_no_relevant_pair_divides_by_nothing() -> None:
    assert list(plots.histogram([Bin(0, 1, 0, 5)], "similarity").data[1].y) == [0.0]


def test_density_keeps_its_grid_where_rows_are_empty_and_counts_quadrants(store: Store) -> None:
    cells = views.density(store, "toy", views.find_run(store, "before", "test"), bins=7)
    figure = plots.density(cells)
    grid = figure.data[0]
    assert np.allclose(np.diff(grid.y), np.diff(grid.y)[0])
    assert round(float(np.nansum(10.0 ** np.array(grid.z, dtype=float)))) == sum(cell.pairs for cell in cells)
    shares = [int(note.text.split(": ")[1].rstrip("%")) for note in figure.layout.annotations]
    assert 98 <= sum(shares) <= 102
    assert plots.density([]).layout.xaxis.title.text == "similarity, cosine"


def test_every_cell_of_the_density_stands_for_the_region_of_its_pairs(store: Store) -> None:
    run = views.find_run(store, "before", "test")
    cells = views.density(store, "toy", run, bins=7)
    targets = plots.density(cells).data[1]
    for cell, place, region in zip(cells, zip(targets.x, targets.y, strict=True), targets.customdata, strict=True):
        assert place == (cell.similarity, cell.utility)
        inside = views.region_pairs(store, "toy", run, views.Region.parse(region))
        assert sum(inside.values()) == cell.pairs


def test_a_sample_says_that_it_is_one(store: Store) -> None:
    run = views.find_run(store, "before", "test")
    figure = plots.scatter(views.sample_pairs(store, "toy", run, limit=3))
    assert "3 of 8 pairs drawn" in figure.layout.annotations[0].text
    assert sum(len(trace.x) for trace in figure.data) == 3


def test_the_waterfall_goes_down_and_says_what_it_leaves_out(store: Store) -> None:
    found = diff(store, "before", "after", "nDCG@10")
    figure = plots.waterfall(found)
    drawn = sorted(
        (place, value) for trace in figure.data for place, value in zip(trace.x, trace.y, strict=True) if place
    )
    assert [value for _, value in drawn] == sorted((delta.change for delta in found.deltas), reverse=True)
    assert [trace.name for trace in figure.data] == ["1 better", "1 worse", "0 the same, not drawn"]


def test_measures_show_both_sides_with_their_intervals(store: Store) -> None:
    found = diff(store, "before", "after", "nDCG@10")
    before, after = plots.measures(found.comparisons, found.before, found.after).data
    first = found.comparisons[0]
    assert (before.x[0], after.x[0]) == (first.before.mean, first.after.mean)
    assert before.x[0] - before.error_x.arrayminus[0] == pytest.approx(first.before.low)
    assert before.marker.symbol != after.marker.symbol


def test_bump_joins_each_passage_and_keeps_true_ranks_below_the_depth(store: Store) -> None:
    runs = views.find_run(store, "before", "test"), views.find_run(store, "after", "test")
    moved = views.movements(store, *runs, "q1", teacher="toy")
    lines = [trace for trace in plots.bump(moved).data if trace.mode == "lines+markers+text"]
    assert sorted(line.y for line in lines) == sorted((move.before, move.after) for move in moved)
    deep = [Moved(f"p{place}", "", "t", place, 40 + place, None, None) for place in (1, 2)] + [
        Moved("new", "", "t", None, 1, None, None)
    ]
    lines = [trace for trace in plots.bump(deep, depth=5).data if trace.mode == "lines+markers+text"]
    assert {line.text[1] for line in lines} == {"41", "42", ""}
    assert {line.text[0] for line in lines} == {"", "not ranked"}
    heights = [line.y[1] for line in lines if line.text[1]]
    assert min(heights) > 5
    assert len(set(heights)) == 2


def test_opened_draws_the_useful_and_the_near_and_counts_the_rest() -> None:
    placed = [Placed(f"{place:02}", "T", "text", 40 - place, 0.5, 0, 3.0 - place / 10) for place in range(30)]
    placed.append(Placed("never", "T", "text", 1, 0.9, None, None))
    figure = plots.opened(placed)
    bars = [value for trace in figure.data if trace.type == "bar" for value in trace.x]
    assert len(bars) == 18
    assert any(trace.name.startswith("12 more") for trace in figure.data)
    assert 0.1 in np.round(bars, 3), "the nearest passage is drawn however useless"


def test_history_marks_the_base_and_the_best_step() -> None:
    lines = [
        {"step": 0, "dev": 0.5},
        {"step": 10, "loss": 2.0},
        {"step": 20, "loss": 1.0, "dev": 0.6},
        {"step": 40, "dev": 0.55},
    ]
    figure = plots.history(lines, "nDCG@10 on dev")
    judged, loss = figure.data
    assert list(judged.x) == [0, 20, 40]
    assert list(loss.y) == [2.0, 1.0]
    assert any("best 0.600, step 20" in note.text for note in figure.layout.annotations)
    assert plots.history([]).layout.height


def test_the_first_points_of_a_training_can_be_read() -> None:
    figure = plots.history([{"step": 0, "dev": 0.5}, {"step": 1, "loss": 2.0}])
    assert figure.data[1].mode == "lines+markers", "one loss alone is no line"
    assert [note.text for note in figure.layout.annotations] == ["before 0.500"]
    assert list(figure.layout.yaxis.range) == pytest.approx([0.45, 0.55])
    best = plots.history([{"step": 0, "dev": 0.5}, {"step": 9, "dev": 0.6}]).layout.annotations[0]
    assert (best.text, best.xanchor) == ("best 0.600, step 9", "right")


def test_every_figure_wears_the_house_template() -> None:
    for figure in (plots.histogram([Bin(0, 1, 1, 1)]), plots.history([]), plots.opened([]), plots.bump([])):
        assert figure.layout.template.layout.font.family.startswith('"Source Sans"')


def test_before_against_after_draws_every_query_once_on_its_side_of_the_diagonal(store: Store) -> None:
    figure = plots.before_after(diff(store, "before", "after", "R@1"))
    better, same, worse = figure.data[1:]
    assert [(list(dots.x), list(dots.y)) for dots in (better, same, worse)] == [([0], [1]), ([], []), ([1], [0])]
    assert [dots.name for dots in (better, same, worse)] == ["1 better", "0 the same", "1 worse"]
    assert len({dots.marker.symbol for dots in (better, same, worse)}) == 3


def test_the_heatmap_has_a_row_a_student_and_says_how_many_queries_it_draws(store: Store) -> None:
    figure = plots.heatmap(compare_runs(store, ["before", "after"], ["R@1"]))
    cells, targets = figure.data
    assert list(targets.customdata) == 2 * list(dict.fromkeys(targets.customdata))
    assert {query_id in hover for query_id, hover in zip(targets.customdata, targets.hovertext, strict=True)} == {True}
    assert sorted(zip(*cells.z, strict=True)) == [(0.0, 1.0), (1.0, 0.0)]
    assert list(figure.layout.yaxis.ticktext) == ["before", "after"]
    assert "2 of 2" in figure.layout.xaxis.title.text


def test_contrasts_are_counted_and_their_equal_value_is_named(store: Store) -> None:
    figure = plots.rank_similarities(rank_similarity(store, "before", "after", "RBO"))
    assert len(figure.data[0].x) == 2
    assert "1 is the same ranking" in figure.layout.xaxis.title.text


# --- agreement with the teacher


def test_the_agreement_is_drawn_with_each_query_on_its_side(store: Store) -> None:
    found = teacher_agreement(store, "after", before="before")
    names = {trace.name: len(trace.x) for trace in plots.closer(found, "regret").data if trace.name}
    assert names == {"2 closer": 2, "0 as far": 0, "0 farther": 0}
    turned = teacher_agreement(store, "before", before="after")
    words = [trace.name for trace in plots.closer(turned, "Kendall").data if trace.name]
    assert words == ["0 closer", "1 as far", "1 farther"]
    assert plots.closer(found, "KL").layout.xaxis.title.text == "KL before, nats"


def test_a_reliability_curve_has_a_diagonal_only_where_both_axes_mean_the_same(store: Store) -> None:
    found = teacher_agreement(store, "after", before="before")
    drawn = plots.reliability(found.reliability["teacher"], found.reliability_before["teacher"])
    assert [trace.mode for trace in drawn.data] == ["lines", "lines+markers", "lines+markers"]
    assert "calibration error" in drawn.data[1].name
    alone = plots.reliability(found.reliability["utility"])
    assert [trace.name for trace in alone.data] == ["student"]
    assert alone.layout.yaxis.title.text == f"mean utility, {views.teacher_unit(store, 'toy')}"


def test_the_share_kept_and_the_table_say_what_was_found(store: Store) -> None:
    found = teacher_agreement(store, "after", before="before")
    drawn = plots.gap_recovered(found.gap_recovered)
    assert [trace.name for trace in drawn.data] == ["student before", "student after", "teacher"]
    assert {note.text for note in drawn.layout.annotations} == {"no lead shown"}
    table = found.comparisons_frame()
    assert list(table.measure) == list(TEACHER_AGREEMENTS)
    assert set(table.verdict) <= {"better", "worse", "no difference shown"}


def test_recipes_stand_beside_their_base_and_say_the_verdict() -> None:
    drawn = plots.recipes(stood(0.6, "kl", "infonce"))
    dots = [trace for trace in drawn.data if trace.name in ("student before", "student after")]
    assert [trace.x[0] for trace in dots] == pytest.approx([0.375, 0.625, 0.375, 0.375])
    words = [note.text for note in drawn.layout.annotations]
    assert words == ["loss=kl: <b>+0.250, better</b>", "loss=infonce: <b>+0.000, no difference shown</b>"]
    assert len(drawn.layout.shapes) == 1
    # a baseline off the whiskers is drawn; one further off than they are wide is named, and squeezes nothing
    apart, far = (plots.recipes(stood(bm25, "kl")) for bm25 in (0.99, 1.99))
    assert (len(apart.layout.shapes), apart.data[-1].name) == (1, "BM25 0.990")
    assert (len(far.layout.shapes), far.data[-1].name) == (0, "BM25 1.990, beyond the plot")


def test_parallel_lines_cross_each_axis_where_their_value_is() -> None:
    drawn = plots.parallel(stood(0.5, "kl", "infonce", "utility_infonce"))
    assert list(drawn.layout.xaxis.ticktext) == ["loss", "rate", "dev", "RR test", "seconds"]
    # words in the order of the alphabet, numbers in their own; what does not vary stands in the middle
    assert [list(trace.y) for trace in drawn.data] == [
        [0.5, 0.0, 0.5, 0.5, 0.0], [0.0, 0.5, 0.5, 0.5, 0.5], [1.0, 1.0, 0.5, 0.5, 1.0]
    ]  # fmt: skip
    assert [trace.name for trace in drawn.data if trace.showlegend] == ["better", "no difference shown"]


@pytest.mark.parametrize("draw", [plots.recipes, plots.parallel])
def test_names_of_recipes_are_text(draw) -> None:
    assert "<b onmouseover" not in draw(stood(0.5, NASTY, "kl")).to_json()
