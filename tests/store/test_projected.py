"""Views of a projection: a stratified sample, colours, the texts around a query and in an area."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import QUERIES
from workbench.errors import UnknownName
from workbench.records import Annotation, Passage, Qrel, Query
from workbench.store import Store, views
from workbench.store.views import COLOURS, Colour
from workbench.store.views.projected.texts import drawn_texts, sample_size, text_page

ORDER = [*(("query", query.query_id) for query in QUERIES), *(("passage", one) for one in ("p/1", "p 2", "03", "ü"))]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a projection in which the texts of the toy store lie at (0, 0), (1, 1), (2, 2) and so on."""
    path = tmp_path / "odd [name]*.parquet"
    kinds, ids = zip(*ORDER, strict=True)
    numbers = [float(number) for number in range(len(ORDER))]
    pq.write_table(pa.table({"kind": kinds, "id": ids, "x": numbers, "y": numbers}), path)
    return path


def coloured(store: Store, file: Path, **colour: str) -> dict[str, float | str | None]:
    """Return what colours each text that has a colour."""
    points = views.drawn_points(store, file, Colour(**colour)).points
    return {
        point.id: point.word if point.value is None else point.value
        for point in points
        if (point.value, point.word) != (None, None)
    }


def test_every_colour_says_what_it_stands_for(store: Store, file: Path) -> None:
    for by in COLOURS:
        points = views.drawn_points(store, file, Colour(by, "toy", "before@test"))
        assert len(points.points) == len(ORDER), f"{by} adds or loses points"
    with pytest.raises(UnknownName, match="colour"):
        views.drawn_points(store, file, Colour("shape"))


def test_colours_are_those_of_the_facts(store: Store, file: Path) -> None:
    utilities = coloured(store, file, by="utility", teacher="toy")
    assert utilities["p/1"] == pytest.approx((2.0 - 1.0) / 2)
    assert utilities["q1"] == pytest.approx((2.0 - 0.5 + 0.0 - 1.0) / 4)
    assert "007" not in utilities
    assert coloured(store, file, by="utility", teacher="toy", query_id="q1") == {
        "p/1": 2.0, "p 2": -0.5, "03": 0.0, "ü": -1.0
    }  # fmt: skip
    assert coloured(store, file, by="split")["007"] == "train"
    assert coloured(store, file, by="relevance") == {"p/1": "relevant", "03": "relevant", "ü": "relevant"}
    assert coloured(store, file, by="relevance", query_id="007") == {"03": "judged, not relevant", "ü": "relevant"}
    # q1 to the teacher: p/1, 03, p 2, ü; to the student: p 2, ü, p/1, 03.
    assert coloured(store, file, by="agreement", teacher="toy", run="before@test")["q1"] == pytest.approx(-0.6)


def test_verdicts_and_tags_colour_what_they_are_about(store: Store, file: Path) -> None:
    from datetime import UTC, datetime

    when = datetime(2026, 1, 1, tzinfo=UTC)
    for verdict in ("useful", "skipped", "harmful"):
        store.add_annotation(Annotation("q1", "p/1", "ada", verdict, "", "", when))
    assert coloured(store, file, by="annotation") == {"p/1": "harmful", "q1": "harmful"}
    store.add_collection([Query(f"t{n}", f"text {n}", (), "test", ("often", f"once {n}")) for n in range(9)])
    tagged = QUERIES[0]._replace(tags=("often", "once 0"))
    store.add_collection([tagged])
    assert coloured(store, file, by="tag") == {"q1": "often"}


def test_a_sample_gives_every_split_and_kind_its_share(store: Store) -> None:
    store.add_collection(
        [Query(f"x{n}", f"text {n}", (), "train" if n % 10 else "dev") for n in range(100)],
        [Passage(f"y{n}", "", f"text {n}") for n in range(300)],
        [Qrel("x0", f"y{n}", 1) for n in range(0, 300, 3)],
    )
    drawn = drawn_texts(store, 80)
    assert {kind: len(ids) for kind, ids in drawn.items()} == {"query": 40, "passage": 40}
    splits = [query.split for query in views.queries(store, ids=drawn["query"])]
    assert 3 <= splits.count("dev") <= 5
    relevant = {qrel.passage_id for qrel in views.qrels(store)}
    assert 12 <= len(relevant & set(drawn["passage"])) <= 15
    assert drawn_texts(store, 80) == drawn, "the same ones each time"
    assert sample_size(store, 10_000)[2:] == (104, 304)
    assert sample_size(store, 300)[2:] == (104, 196), "what queries do not take goes to passages"


def test_texts_come_by_pages_as_models_read_them(store: Store) -> None:
    store.add_collection([Query("known by id only", "")], [Passage("title", "Only a title", "")])
    first = text_page(store, "passage", "", 2)
    assert first == [("03", "Rivers run to the sea."), ("p 2", "Oil Oil is a liquid.")]
    rest = text_page(store, "passage", first[-1][0], 9)
    assert [text_id for text_id, _ in rest] == ["p/1", "title", "ü"]
    assert dict(rest)["title"] == "Only a title"
    assert [text_id for text_id, _ in text_page(store, "query", "", 9)] == sorted(one.query_id for one in QUERIES)


def test_around_a_query_are_its_relevant_and_most_useful_passages(store: Store, file: Path) -> None:
    around = views.query_points(store, file, "q1", "toy", best=2)
    assert [(one.kind, one.id, one.relevant, one.utility) for one in around] == [
        ("query", "q1", False, None), ("passage", "p/1", True, 2.0), ("passage", "03", False, 0.0)
    ]  # fmt: skip
    assert [one.id for one in views.query_points(store, file, "q4", "")] == ["q4"], "nothing is known of it"


def test_the_texts_in_an_area_are_listed_by_pages(store: Store, file: Path) -> None:
    box = [(0.5, 0.5), (4.5, 0.5), (4.5, 4.5), (0.5, 4.5)]
    inside = views.texts_inside(store, file, box)
    assert (inside.queries, inside.passages) == (3, 1)
    assert [row.id for row in inside.rows] == ["007", "http://q/2?x=1", "q4"]
    assert [row.id for row in views.texts_inside(store, file, box, "passage").rows] == ["p/1"]
    assert [row.id for row in views.texts_inside(store, file, box, offset=2, limit=1).rows] == ["q4"]
    # An area like a U around (2, 2), which the box around it holds.
    around = [(0.5, 0.5), (4.5, 0.5), (4.5, 4.5), (2.9, 4.5), (2.1, 1.5), (1.5, 1.6), (1.5, 4.5), (0.5, 4.5)]
    assert [row.id for row in views.texts_inside(store, file, around).rows] == ["http://q/2?x=1", "q4"]
    assert views.texts_inside(store, file, [(9, 9), (10, 9), (10, 10)]) == (0, 0, ())
    assert views.texts_inside(store, file, []) == (0, 0, ())
