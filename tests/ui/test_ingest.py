"""The page Ingest: files from a browser or the server, as they are understood, and what is written."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.copied import reproduction, run_line, table, tiles
from tests.ui.pages import Visit, button, text_of
from workbench import jobs
from workbench.formats.allowed_folders import FOLDERS_VARIABLE
from workbench.formats.parsing.beginning import beginning
from workbench.store import Store, views
from workbench.ui.ingest import preview

CSV = (
    "id,frage,kontext,thema\n1,Was hob den Preis?,Das Embargo.,oil\n2,Wohin fließt er?,Ins Meer.,sea\n3,Wer?,Er.,sea\n"
)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Note which jobs are started, and start none."""
    arguments: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, given: arguments.append(list(given)))
    return arguments


def mapped(at: AppTest, **columns: str) -> AppTest:
    for role, column in columns.items():
        box = next(box for box in at.selectbox if (box.key or "").startswith(f"role-{role}-"))
        at = box.set_value(column).run()
        assert not at.exception
    return at


def test_an_uploaded_table_is_mapped_previewed_and_written_by_the_line_that_is_shown(
    empty: Store, visit: Visit, started: list[list[str]]
) -> None:
    at = visit(empty, "ingest")
    assert "Nothing here yet" in text_of(at)
    at.file_uploader[0].upload("Fragen & mehr.csv", CSV.encode()).run()
    assert not at.exception
    assert "no column holds queries or passages" in text_of(at)
    at = mapped(at, query="frage", passage="kontext", tags="thema", query_id="id")
    assert tiles(at)["Queries"][0] == "3"
    assert tiles(at)["Qrels"][0] == "3"
    assert tiles(at)["Problems"][0] == "0"
    assert [row["text"] for row in table(at, "answers")] == ["Was hob den Preis?", "Wohin fließt er?", "Wer?"]
    assert views.counts(empty).queries == 0, "nothing is written before a person says so"
    button(at, "Write to the workspace").click().run()
    (arguments,) = started
    assert arguments[:2] == ["ingest", "table"]
    line = next(block.value for block in at.code if " ingest table " in block.value)
    run_line(line)
    assert {query.query_id: (query.text, query.tags) for query in views.queries(empty)}["1"] == (
        "Was hob den Preis?",
        ("oil",),
    )
    assert views.counts(empty).qrels == 3
    assert (empty.path / "uploads").is_dir()


def test_problems_are_shown_by_line_and_stop_the_ingest_until_they_are_left_out(
    empty: Store, visit: Visit, started: list[list[str]]
) -> None:
    at = visit(empty, "ingest")
    at.file_uploader[0].upload("q.csv", b"question,context,relevance\na,b,1\nc,d,many\ne,f\n").run()
    assert [(row["line"], row["file"]) for row in table(at, "what")] == [(3, "q.csv"), (4, "q.csv")]
    assert button(at, "Write to the workspace").disabled
    next(box for box in at.checkbox if box.label.startswith("Leave out")).check().run()
    button(at, "Write to the workspace").click().run()
    assert started[0][-1] == "--skip-bad-lines"


def test_of_a_large_file_no_more_than_the_beginning_is_read(
    empty: Store, visit: Visit, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "LARGE", 1_000)
    monkeypatch.setattr(preview, "beginning", partial(beginning, most=2_000))
    at = visit(empty, "ingest")
    rows = "".join(f"{number},A question?,A passage {number}.,x\n" for number in range(500))
    at.file_uploader[0].upload("large.csv", f"id,query,passage,tags\n{rows}".encode()).run()
    assert not at.exception
    assert 10 < int(tiles(at)["Queries"][0]) < 100
    words = text_of(at)
    assert "the preview reads the first" in words
    assert "the beginning of" in words
    button(at, "Write to the workspace").click().run()
    assert started[0][:2] == ["ingest", "table"]
    assert started[0][2].endswith("large.csv"), "the ingest reads all"


def test_files_of_a_beir_folder_uploaded_together_are_one(empty: Store, visit: Visit) -> None:
    at = visit(empty, "ingest")
    at.file_uploader[0].upload("corpus.jsonl", b'{"_id": "p", "title": "", "text": "sea"}\n')
    at.file_uploader[0].upload("queries.jsonl", b'{"_id": "q", "text": "where?"}\n')
    at.file_uploader[0].upload("test.tsv", b"query-id\tcorpus-id\tscore\nq\tp\t1\n").run()
    assert not at.exception
    assert next(box for box in at.selectbox if box.label == "Format").value == "beir"
    assert {name: shown for name, (shown, _) in tiles(at).items()} == {
        "Queries": "1", "Passages": "1", "Qrels": "1", "Problems": "0"
    }  # fmt: skip


def test_a_path_on_the_server_is_read_within_allowed_folders_only(
    empty: Store, visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = tmp_path / "data"
    allowed.mkdir()
    (allowed / "q.csv").write_text("question,context\na,b\n")
    monkeypatch.setenv(FOLDERS_VARIABLE, str(allowed))
    params = {"from": "path"}
    assert f"Files may be read from: {allowed}" in text_of(visit(empty, "ingest", **params))
    assert "outside the folders" in text_of(visit(empty, "ingest", path="/etc/passwd", **params))
    at = visit(empty, "ingest", path="q.csv", **params)
    assert tiles(at)["Passages"][0] == "1"
    assert run_line(reproduction(at).lines[0])["counts"]["queries"] == 1
    assert not views.counts(empty).queries


@pytest.mark.parametrize("name", ["../../evil.csv", "/etc/evil.csv", "..\\..\\evil.csv"])
def test_the_name_of_an_uploaded_file_leads_nowhere_else(empty: Store, visit: Visit, name: str) -> None:
    at = visit(empty, "ingest")
    at.file_uploader[0].upload(name, b"question,context\na,b\n").run()
    assert not at.exception
    (written,) = list(empty.path.parent.rglob("evil.csv"))
    assert written.is_relative_to(empty.path / "uploads")


def test_a_collection_without_splits_is_split_by_the_line_that_is_shown(
    empty: Store, visit: Visit, started: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "q.csv").write_text("question,context,tag\n" + "".join(f"q {n}?,p {n},t{n % 4}\n" for n in range(12)))
    run_line(f"workbench --workspace '{empty.path}' ingest table '{tmp_path / 'q.csv'}' --relevance 1")
    at = visit(empty, "ingest")
    at.selectbox(key="split-by").set_value("tag").run()
    at.number_input(key="share-train").set_value(50)
    at.number_input(key="share-dev").set_value(25)
    at.number_input(key="share-test").set_value(25).run()
    button(at, "Split").click().run()
    assert started == [["split", "--by", "tag", "--shares", "50,25,25", "--seed", "13"]]
    line = next(block.value for block in at.code if " split --by tag" in block.value)
    assert {row["split"]: row["queries"] for row in run_line(line)["splits"]} == {"train": 6, "dev": 3, "test": 3}
