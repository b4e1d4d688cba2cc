"""What is read is bounded: a small file that unpacks to gigabytes is refused before they are in memory."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.formats import read_qrels, read_run, read_table
from workbench.formats.bulk import bulk_run
from workbench.formats.parsing import lines

READERS = {"a.jsonl.gz": read_table, "a.csv.gz": read_table, "a.qrels.gz": read_qrels, "a.run.gz": read_run}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BEFORE_RATIO", 1 << 18)
    monkeypatch.setattr(lines, "MOST_UNPACKED", 20)
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 20)


def bomb(path: Path, line: bytes) -> Path:
    path.write_bytes(gzip.compress(line * (4_000_000 // len(line)), compresslevel=9))
    return path


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("line", [b"\0", b"a" * 999 + b"\n"])
def test_what_unpacks_to_far_more_than_a_table_is_refused(tmp_path: Path, name: str, line: bytes) -> None:
    file = bomb(tmp_path / name, line)
    tracemalloc.start()
    with pytest.raises(BadInput, match=r"unpacks to more than|is longer than"):
        READERS[name](file)
    assert tracemalloc.get_traced_memory()[1] < 40 << 20
    tracemalloc.stop()


def test_a_long_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"passage_id": "p", "passage": "short"}\n' + b"x" * (2 << 20))
    with pytest.raises(BadInput, match="line 2: the line is longer than 1 MB"):
        read_table(tmp_path / "a.jsonl")


def test_a_run_in_bulk_is_bounded_too(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="unpacks to more than"):
        list(bulk_run(bomb(tmp_path / "a.run.gz", b"q Q0 p 1 0.5 mine\n")).tables)


def test_what_text_packs_to_is_read(tmp_path: Path) -> None:
    rows = "".join(f'{{"passage_id": "p{n}", "passage": "text {n * 7919}"}}\n' for n in range(20_000))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(rows.encode()))
    assert len(read_table(tmp_path / "a.jsonl.gz").passages) == 20_000
