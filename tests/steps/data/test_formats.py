"""A format is an entry of one table: what is read and written by it follows from there."""

import json

import pytest

import workbench as wb
from workbench.formats import Collection
from workbench.steps.data.formats import FORMATS, Format, readable, writable
from workbench.steps.data.training_rows import ExportSettings
from workbench.store import views


def test_every_format_says_what_it_is_and_names_settings_that_there_are():
    assert set(readable()) | set(writable()) == set(FORMATS)
    known = set(ExportSettings.__dataclass_fields__)
    for form in FORMATS.values():
        assert form.about
        assert set(form.settings) <= known
        assert form.write or not (form.settings or form.endings or form.split)


def test_a_format_is_added_in_the_table_alone(store, tmp_path, monkeypatch):
    def read(source):
        return Collection(queries=tuple(wb.Query(*row) for row in json.loads(source.path.read_text())))

    def write(store, path, settings):
        rows = views.queries(store, settings.split)
        path.write_text(json.dumps(rows))
        return {"rows": len(rows)}

    monkeypatch.setitem(FORMATS, "toy", Format("queries as JSON", read, write, ("split",), "train", (".json",)))
    exported = wb.export(store, "toy", tmp_path / "queries.json")
    assert (exported.rows, exported.filters) == (1, {"split": "train"})
    with pytest.raises(wb.BadSetting, match="End the name in"):
        wb.export(store, "toy", tmp_path / "queries.txt")
    other = wb.Store(tmp_path / "other", create=True)
    assert wb.ingest(other, "toy", exported.path).added.queries == 1
    assert wb.queries(other)["query_id"].tolist() == ["007"]


def test_a_format_goes_the_ways_it_can(store, tmp_path):
    with pytest.raises(wb.UnknownName, match="format named 'triplets'"):
        wb.ingest(store, "triplets", tmp_path)
    with pytest.raises(wb.UnknownName, match="export named 'table'"):
        wb.export(store, "table", tmp_path / "folder")


def test_results_show_their_counts_and_problems(store, tmp_path):
    (tmp_path / "x.qrels").write_text("q1 0 p/1 1\nq1 0 p/1 yes\n")
    previewed = wb.preview("qrels", tmp_path / "x.qrels", store=store)
    assert previewed.to_frame().to_dict("records") == [
        {
            "file": str(tmp_path / "x.qrels"),
            "line": 2,
            "what": "relevance must be a whole number of up to nine digits, not 'yes'",
        }
    ]
    assert previewed.in_words.endswith("0 queries, 0 passages, 1 qrels, 0 duplicates, 1 problem")
    ingested = wb.ingest(store, "qrels", tmp_path / "x.qrels", wb.IngestSettings(skip_bad_lines=True))
    assert ingested.to_frame().set_index("rows")["added"].to_dict() == {
        "queries": 0, "passages": 0, "qrels": 0, "hits": 0, "annotations": 0, "utilities": 0,
    }  # fmt: skip
    exported = wb.export(store, "utilities", tmp_path / "x.jsonl")
    assert exported.to_frame().values.tolist() == [["rows", 8], ["queries", 2]]
    assert exported.in_words.startswith("8 rows in ")
    assert "8 rows in" in exported._repr_html_()
