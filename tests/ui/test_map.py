"""The page Map: what it says before there is one, one student, two, an area, an opened query, hostile text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from tests import tiny
from tests.conftest import run
from tests.steps import classes
from tests.ui.copied import lead, reproduction, run_cell, run_line, table, tiles
from tests.ui.pages import NASTY, Visit, press, text_of
from workbench import jobs
from workbench.records import Hit, Query
from workbench.steps.compare.projection.project import project
from workbench.store import Store
from workbench.ui.map import areas


@pytest.fixture
def base(tmp_path: Path) -> str:
    return classes.base(tmp_path / "base")


@pytest.fixture
def other(tmp_path: Path) -> str:
    tiny.static(7, words=classes.WORDS).save_pretrained(str(tmp_path / "other"), create_model_card=False)
    return str(tmp_path / "other")


@pytest.fixture
def topics(tmp_path: Path, base: str, other: str) -> Store:
    """Return the collection of topics, on which two students were evaluated."""
    store = classes.collection(tmp_path / "workspace")
    for name in (base, other):
        hits = [Hit(f"{name}@test", "test0", f"p{topic}-0", topic + 1, 1 - topic / 9) for topic in range(8)]
        store.add_run(run(name), hits)
    return store


def specs(at: AppTest) -> list[dict[str, Any]]:
    """Return the figures of a page."""
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def marks(figure: dict[str, Any], part: str = "") -> int:
    """Return how many marks a figure's traces of this name have."""
    return sum(len(trace.get("customdata", ())) for trace in figure["data"] if part in trace.get("name", ""))


def test_without_a_map_the_page_offers_to_make_it_as_a_job(
    topics: Store, visit: Visit, base: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = visit(topics, "map", student=other, before=base)
    assert "have no map of the 24 queries and 24 passages as they are now" in text_of(at)
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda store, arguments: started.append(list(arguments)))
    press(at, "Make the map")
    assert started == [["project", other, "--axes-of", base]]


def test_an_ingested_collection_has_a_base_to_map(empty: Store, visit: Visit) -> None:
    empty.add_collection([Query("q", "a text"), Query("r", "another")])
    assert "all-MiniLM-L6-v2 has no map of the 2 queries and 0 passages" in text_of(visit(empty, "map"))


def test_one_student_is_drawn_with_what_the_picture_keeps(topics: Store, visit: Visit, base: str) -> None:
    projection = project(topics, base)
    shutil.rmtree(projection.file.parent)  # the vectors are all there: the page makes the map itself
    at = visit(topics, "map", student=base, before="none")
    (figure,) = specs(at)
    assert marks(figure) == 48
    assert lead(at, projection.quality_in_words)
    assert tiles(at)["Queries"][0] == "24"
    assert tiles(at)["Variance on the axes"][0] == f"{sum(projection.explained):.0%}"
    assert "24 of 24 queries" in json.dumps(figure, ensure_ascii=False)


def test_two_students_share_axes_and_reproduce(topics: Store, visit: Visit, base: str, other: str) -> None:
    project(topics, base)
    after = project(topics, other, base)
    at = visit(topics, "map", student=other, before=base, colour="utility", query="test0")
    left, right = specs(at)
    assert left["layout"]["xaxis"]["range"] == right["layout"]["xaxis"]["range"]
    assert lead(at, after.placement_in_words)
    for figure in (left, right):
        # p0-0 to p0-2 are relevant, and the teacher's best: two more make five.
        assert (marks(figure, "relevant"), marks(figure, "teacher's best"), marks(figure, "the query")) == (3, 2, 1)
        assert figure["layout"]["coloraxis"]["colorbar"]["title"]["text"] == "utility, nats per token"
    assert [row["relevant"] for row in table(at, "relevant")] == ["yes"] * 3 + [""] * 2
    copied = reproduction(at)
    assert [run_line(line)["student"] for line in copied.lines] == [other]
    variables = run_cell(copied.cell)
    assert len(variables["points"].points) == 48
    assert {point.value for point in variables["points"].points} == {None, 2.0, -0.5}
    assert reproduction(visit(topics, "map", **copied.params)) == copied


@pytest.mark.parametrize("colour", ["kind", "split", "relevance", "utility", "agreement"])
def test_every_colour_draws_every_point(topics: Store, visit: Visit, base: str, colour: str) -> None:
    project(topics, base)
    (figure,) = specs(visit(topics, "map", student=base, before="none", colour=colour))
    assert marks(figure) == 48


def test_an_area_lists_its_texts_by_pages(
    topics: Store, visit: Visit, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.ui.map.selection.ROWS", 10)
    project(topics, base)
    link = {"student": base, "before": "none", "area": "-9,-9;9,-9;9,9;-9,9", "of": base}
    at = visit(topics, "map", **link)
    assert "24 queries and 24 passages lie in it, on the map of" in text_of(at)
    assert len(table(at, "id")) == 10
    at.number_input(key="page").set_value(3).run()
    assert [row["id"] for row in table(at, "id")] == [f"train{n}" for n in range(4, 8)]
    press(at, "Show the query on the map")
    assert at.query_params["query"] == "train4"
    assert "The opened query" in text_of(at)
    passages = visit(topics, "map", **link, kind="passage")
    assert [row["id"] for row in table(passages, "id")][:2] == ["p0-0", "p0-1"]
    assert "No query and no passage lies in it" in text_of(visit(topics, "map", **(link | {"area": "8,8;9,8;9,9"})))
    assert "In the area" not in text_of(visit(topics, "map", **(link | {"area": "8,8;nan,8;x,9"})))


def test_a_drawn_box_and_a_shape_are_kept_as_their_corners() -> None:
    box = {"box": [{"x": [0, 2], "y": [3, 1]}], "lasso": []}
    assert areas.selected_corners(box) == [(0, 3), (2, 3), (2, 1), (0, 1)]
    shape = {"box": [], "lasso": [{"x": list(range(500)), "y": list(range(500))}]}
    assert 40 <= len(areas.selected_corners(shape)) <= areas.MOST_CORNERS
    assert areas.selected_corners({"points": [{"customdata": ["query", "q"]}]}) == []


def test_links_to_what_is_not_there_are_reported(topics: Store, visit: Visit, base: str) -> None:
    project(topics, base)
    at = visit(topics, "map", student=base, before="none", query="gone & forgotten", passage="p?", colour="shape")
    words = text_of(at)
    assert "The link names the query “gone & forgotten”" in words
    assert "The link names the passage “p?”" in words
    assert "The link asks for “shape” under “Colour”" in words


def test_foreign_text_is_text_on_the_map(topics: Store, visit: Visit, base: str) -> None:
    nasty = f"answer1 {NASTY}"
    topics.add_collection([Query("<i>id</i>", nasty, (), "<b>split</b>", ("<u>tag</u>",))])
    project(topics, base)
    link = {"student": base, "before": "none", "query": "<i>id</i>", "area": "-9,-9;9,-9;9,9;-9,9", "of": base}
    for colour in ("split", "tag"):
        at = visit(topics, "map", colour=colour, **link)
        for trace in specs(at)[0]["data"]:
            hovers = [*trace.get("hovertext", ()), trace.get("name", "")]
            assert not any(sign in hover.replace("<br>", "") for hover in hovers for sign in ("<", "$"))
        assert nasty.replace("\\", "") in text_of(at)


def test_what_a_browser_gets_stays_small(
    empty: Store, visit: Visit, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.ui.map.pictures.MOST_DRAWN", 100)
    empty.add_collection([Query(f"q{n}", f"answer{n % 8} x{n % 3} " + "x0 " * 80, (), "test") for n in range(400)])
    empty.add_run(run(base), [])
    project(empty, base)
    at = visit(empty, "map", student=base, before="none")
    (figure,) = specs(at)
    assert marks(figure) == 100
    assert len(json.dumps(figure)) < 100 * 250 + 10_000
    assert wb.views.drawn_points(empty, project(empty, base).file, most=100).size.queries == 400
