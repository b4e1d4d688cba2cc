"""The page Utility: teacher against student."""

from __future__ import annotations

import json

import pytest

import workbench as wb
from tests.conftest import run, toy_without_utilities, utility
from tests.ui.copied import printed_lines, run_line, table, tiles
from tests.ui.pages import Visit, button, text_of, trained_student
from workbench.records import Failure, Unit
from workbench.steps.compare.agreement.teacher_agreement import TeacherAgreement
from workbench.store import Store, views
from workbench.ui.shell import cache


def test_the_teacher_beside_a_student_tells_who_is_right_first(store: Store, visit: Visit) -> None:
    words = " ".join(text_of(visit(store, "utility")).split())
    assert "Teacher puts a relevant passage first 0.500" in words
    assert "Student puts a relevant candidate first 0.500" in words


@pytest.mark.parametrize("unit", ["nats per token", "probability"])
def test_labels_and_axes_carry_the_unit_of_the_teacher(store: Store, visit: Visit, unit: Unit) -> None:
    store.add_scored([utility("q1", "p/1", 0.9, "other"), utility("q1", "p 2", 0.2, "other")], unit)
    at = visit(store, "utility", teacher="other")
    assert tiles(at)["Regret"][1] == f"mean over queries ({unit})"
    axes = [json.loads(chart.proto.spec)["layout"] for chart in at.get("plotly_chart")]
    titles = [
        axis["title"]["text"] for layout in axes for name, axis in layout.items() if "axis" in name and "title" in axis
    ]
    assert sum(title == f"utility, {unit}" for title in titles) >= 2
    assert f"those of other ({unit})" in text_of(visit(store, "annotate", teacher="other"))


def test_failures_are_listed_by_reason_under_the_teacher(store: Store, visit: Visit) -> None:
    store.add_scored([Failure("q4", "03", "toy", "no room"), Failure("q4", "ü", "toy", "no room")])
    (row,) = table(visit(store, "utility"), "reason")
    assert row == {"status": "failed", "reason": "no room", "pairs": 2, "first query": "q4", "first passage": "03"}


def test_answers_that_could_not_be_read_are_there_to_read(store: Store, visit: Visit) -> None:
    store.add_scored([Failure("q4", "03", "toy", "no grade in it", "unreadable", "I <b>think</b> so")])
    at = visit(store, "utility")
    assert table(at, "reason")[0]["status"] == "unreadable"
    assert [block.value for block in at.code if "think" in block.value] == ["I <b>think</b> so"]
    assert "Answers that gave no utility: 1" in [block.label for block in at.expander]


def test_two_teachers_stand_side_by_side_with_a_sentence_on_each(store: Store, visit: Visit) -> None:
    assert "Entropy, ties, biases" in text_of(visit(store, "utility")), "it is measured only if a person asks for it"
    store.add_scored([utility("q1", "p/1", 0.9, "other"), utility("q1", "p 2", 0.2, "other")], "probability")
    store.add_scored([Failure("q1", "ü", "other", "no grade", "unreadable", "I think so")])
    at = visit(store, "utility", teacher="toy", student="before", health="true", other="other", factor="2")
    words = text_of(at)
    assert "toy is not shown to be fit to teach before: it is measured on 2 queries (at least 20)" in words
    assert "other is not fit to teach before: 33% of the pairs have no utility" in words
    shown = {row["figure"]: row for row in table(at, "figure")}
    (line,) = [line for line in printed_lines(at) if line.startswith("workbench") and " health " in line]
    by_shell = run_line(line)
    assert by_shell["temperature"] == pytest.approx(2 * (views.median_spread(store, "toy", "test") or 0))
    for name, figure in by_shell["figures"].items():
        assert shown[name]["toy"].startswith(f"{figure['mean']:.3f}")
    assert {"toy", "other", "meaning"} <= set(shown["AUC"])
    assert "I think so" in [block.value for block in at.code]


def test_a_teacher_that_only_failed_is_shown_with_its_reasons(empty: Store, visit: Visit) -> None:
    toy_without_utilities(empty)
    empty.add_scored([Failure("q1", "03", "odd", "no room")])
    at = visit(empty, "utility")
    assert "odd could not score 1 pair" in text_of(at)
    assert table(at, "reason")[0]["reason"] == "no room"


def test_agreement_has_its_place_and_is_measured_on_demand(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    measure = cache.teacher_agreement

    def counted(store: Store, *names: str) -> TeacherAgreement:
        started.extend(names)
        return measure(store, *names)

    monkeypatch.setattr(cache, "teacher_agreement", counted)
    assert "Farthest from the teacher" not in text_of(visit(store, "utility"))
    assert not started
    at = visit(store, "utility", student="after", before="before", agreement="true", farthest="q1")
    words = text_of(at)
    assert started == ["after", "toy", "test", "before"]
    assert "after against toy, test: KL" in words
    assert "no lead in R@1" in words
    assert "agreement after --before before --teacher toy --split test" in words
    for kind in ("KL", "Kendall", "top-1", "regret"):
        assert kind in words
    assert "median spread on the test split" in words
    link = next(e for e in at.get("page_link") if "student=after" in str(e.proto) and "q1" in str(e.proto))
    assert "teacher=toy" in str(link.proto)
    link = next(e for e in visit(store, "diff").get("page_link") if "agreement" in str(e.proto))
    assert "before=before" in str(link.proto)


def test_agreement_of_a_student_alone_is_shown_too(store: Store, visit: Visit) -> None:
    words = text_of(visit(store, "utility", student="after", before="–", agreement="true"))
    assert "after against toy, test: KL" in words
    assert "Every measure of agreement" not in words


@pytest.mark.parametrize("observed", ["teacher", "relevant", "useful", "utility"])
def test_every_reliability_curve_is_shown(store: Store, visit: Visit, observed: str) -> None:
    at = visit(store, "utility", student="after", before="before", agreement="true", observed=observed, agree="regret")
    words = text_of(at)
    assert "best utility less that of the student's first passage" in words
    assert ("Similarity predicts utility where the line rises" in words) == (observed == "utility")


def test_agreement_that_cannot_be_computed_is_a_sentence(store: Store, visit: Visit) -> None:
    store.add_run(run("mute"), [])
    words = text_of(visit(store, "utility", student="after", before="mute", agreement="true"))
    assert "toy and after and mute share no query of the test split" in words


def test_an_opened_query_shows_both_softmaxes_at_temperatures_of_ones_choice(store: Store, visit: Visit) -> None:
    trained_student(store, "after", 1, 0.7)
    at = visit(store, "utility", student="after", query="q1")
    own = wb.query_softmaxes(store, "q1", "after", "toy", before="before")
    assert (tiles(at)["KL, student before"][0], tiles(at)["KL, student"][0]) == (
        f"{own.kl_before:.3f}", f"{own.kl:.3f}",
    )  # fmt: skip
    assert f"Teacher's temperature, times {own.temperatures.teacher:.3g}" in [one.label for one in at.select_slider]
    at.select_slider(key="teacher-at").set_value("5").run()
    flat = wb.AgreementSettings(5 * own.temperatures.teacher, own.temperatures.student)
    assert tiles(at)["KL, student"][0] == f"{wb.query_softmaxes(store, 'q1', 'after', 'toy', settings=flat).kl:.3f}"
    spec = json.loads(next(chart for chart in at.get("plotly_chart") if "probability" in chart.proto.spec).proto.spec)
    assert {trace["name"] for trace in spec["data"]} == {"teacher", "student before", "student after"}
    assert any("▲ up" in note.get("text", "") for note in spec["layout"]["annotations"])


def test_previous_and_next_stay_within_what_is_searched_for(store: Store, visit: Visit) -> None:
    at = visit(store, "utility", words="rivers", query="http://q/2?x=1")
    assert "1 of 1" in text_of(at)
    assert button(at, "Next").disabled and button(at, "Previous").disabled


def test_a_region_of_the_picture_keeps_the_queries_that_have_pairs_there(store: Store, visit: Visit) -> None:
    run = views.find_run(store, "before", "test")
    (pair, *_) = views.sample_pairs(store, "toy", run).pairs
    around = views.Region((pair.similarity - 1e-6, pair.similarity + 1e-6), (pair.utility - 1e-6, pair.utility + 1e-6))
    assert views.region_pairs(store, "toy", run, around) == {pair.query_id: 1}
    at = visit(store, "utility", student="before", region=str(around))
    assert [row["query"] for row in table(at, "regret")] == [pair.query]
    assert f"1 query with 1 pair of similarity {pair.similarity:.3g}" in text_of(at)
    (cell,) = [block.value for block in at.code if "wb.Store" in block.value]
    assert f"wb.views.region_pairs(store, teacher, run, wb.views.{views.Region.parse(str(around))!r})" in cell
    spec = json.loads(next(chart for chart in at.get("plotly_chart") if "heatmap" in chart.proto.spec).proto.spec)
    assert [shape["type"] for shape in spec["layout"]["shapes"]].count("rect") == 1
    button(at, "All regions").click().run()
    assert len(table(at, "regret")) == 2


def test_a_region_that_no_pair_is_in_leaves_no_query_and_can_be_left(store: Store, visit: Visit) -> None:
    at = visit(store, "utility", student="before", region="5:6:-1:1")
    assert "0 queries with 0 pairs" in text_of(at)
    assert not at.exception
    button(at, "All regions").click().run()
    assert len(table(at, "regret")) == 2
    at = visit(store, "utility", student="before", region="nonsense")
    assert len(table(at, "regret")) == 2


def test_a_quadrant_keeps_the_queries_that_have_pairs_there(store: Store, visit: Visit) -> None:
    at = visit(store, "utility", student="before", quadrant="missed")
    assert "1 query with 1 pair there" in text_of(at)
    assert [row["query"] for row in table(at, "regret")] == ["What raised the price of oil?"]
    assert "All queries" in str(at.get("button_group"))
    (cell,) = [block.value for block in at.code if "wb.Store" in block.value]
    assert "quadrant_pairs(store, teacher, run, useful=True, near=False)" in cell
