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
