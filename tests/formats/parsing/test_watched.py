"""The reading of large files is reported, whatever reads them, and changes nothing that is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import workbench as wb
from workbench.formats.parsing import watched
from workbench.formats.parsing.lines import open_bytes
from workbench.formats.parsing.watched import MEGABYTE
from workbench.progress import listening
from workbench.records import Progress
from workbench.steps.data import ingest
from workbench.store import Store

CONTENT = b"".join(b"%09d\n" % number for number in range(300_000))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "LEAST", 0)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("packed", [False, True])
def test_bytes_are_counted_up_to_the_file_s_size(tmp_path: Path, packed: bool) -> None:
    file, reports = tmp_path / "a.txt", list[Progress]()
    file.write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
    with listening(reports.append), open_bytes(file) as opened:
        assert opened.readline() == b"000000000\n"
        assert b"000000000\n" + opened.read() == CONTENT
    assert {(report.step, report.unit, report.note) for report in reports} == {("read", "MB", "a.txt")}
    megabytes = -(-file.stat().st_size // MEGABYTE)
    assert (reports[0].done, reports[-1].done) == (0, megabytes)
    assert {report.total for report in reports} == {megabytes}
    assert [report.done for report in reports] == sorted(report.done for report in reports)


@pytest.mark.usefixtures("small")
def test_nobody_is_told_after_the_block(tmp_path: Path) -> None:
    file, reports = tmp_path / "a.txt", list[Progress]()
    file.write_bytes(CONTENT)
    with listening(reports.append):
        pass
    with open_bytes(file) as opened:
        assert opened.read() == CONTENT
    assert not reports


@pytest.mark.usefixtures("small")
def test_an_ingest_reports_reading_and_writing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, reports = tmp_path / "a.run", list[Progress]()
    run.write_text("q1 Q0 p/1 1 0.5 a\n")
    wb.ingest(store, "run", run, listen=reports.append)
    monkeypatch.setattr(ingest, "MANY_ROWS", 100)
    wb.ingest(store, "beir", wb.SAMPLE, listen=reports.append)
    assert {"a.run", "corpus.jsonl"} <= {report.note.removesuffix(".gz") for report in reports if report.step == "read"}
    assert [report.total for report in reports if report.step == "write"] == [4_702]
