"""`workbench ingest`: a workspace is made only by what can be written to it."""

from __future__ import annotations

from pathlib import Path

from tests.shell import shell, worked


def test_a_preview_makes_no_workspace(tmp_path: Path) -> None:
    file = tmp_path / "passages.csv"
    file.write_text("passage\nThe sea is salt.\n")
    printed = worked("ingest", "table", file, "--preview", workspace=tmp_path / "nowhere")
    assert "1 passages" in printed.out
    assert "Nothing was written" in printed.err
    assert not (tmp_path / "nowhere").exists()


def test_a_first_ingest_that_fails_makes_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("not json\n")
    printed = shell("ingest", "table", str(tmp_path / "bad.jsonl"), workspace=tmp_path / "new")
    assert printed.code == 1
    assert "line 1" in printed.err
    assert not (tmp_path / "new").exists()


def test_a_folder_of_runs_is_ingested_beside_qrels_and_counted(tmp_path: Path) -> None:
    workspace, folder = tmp_path / "new", tmp_path / "runs"
    folder.mkdir()
    (tmp_path / "their.qrels").write_text("-q1 0 a 1\n-q1 0 b 2\n")
    printed = worked("ingest", "qrels", tmp_path / "their.qrels", "--split", "test", workspace=workspace)
    assert "WARNING: not one query of it was known to the workspace" in printed.out + printed.err
    (folder / "one.run").write_text("-q1 Q0 a 1 2 tag\n-q1 Q0 c 2 1 tag\n")
    (folder / "two.run").write_text("-q1 Q0 b 1 2 tag\n")
    first = worked("ingest", "run", folder, workspace=workspace)
    assert "3 hits of 2 runs added" in first.out
    assert "WARNING" not in first.out
    (folder / "bad.run").write_text("not a run\n")
    second = shell("ingest", "run", str(folder), workspace=workspace)
    assert second.code == 1
    assert "0 hits of 2 runs added" in second.out
    assert "3 hits were there already" in second.out
    assert "bad.run, line 1: expected" in second.err
    shown = worked("info", workspace=workspace).out
    assert "3 passages and 1 query known by id only" in shown
    assert "two" in shown
    assert "AP         0.500" in worked("evaluate", "one", workspace=workspace).out
