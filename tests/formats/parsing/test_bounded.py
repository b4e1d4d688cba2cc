"""What is read is bounded: a small file that unpacks to gigabytes is refused before they are in memory."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from workbench.errors import BadInput
from workbench.formats import read_qrels, read_run, read_table
from workbench.formats.bulk import bulk_run
from workbench.formats.parsing import lines
from workbench.formats.parsing.beginning import beginning

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
@pytest.mark.parametrize("line", [b"\0", b"passage," + b"a" * 999 + b"\n"])
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


def test_a_cell_that_never_ends_is_named_by_the_line_where_it_begins(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('passage_id,passage\np1,short\np2,"open\n' + "text,text\n" * 200_000)
    with pytest.raises(BadInput, match=r"line 3: a cell is longer than 1 MB\. Is a quotation mark left open"):
        read_table(tmp_path / "a.csv")


def parquet(path: Path, texts: list[str]) -> Path:
    """Write passages; a text that stands in many rows is there once, and its rows are a few bytes."""
    rows = pa.table({"passage_id": [f"p{number}" for number in range(len(texts))], "passage": texts})
    pyarrow.parquet.write_table(rows, path, compression="zstd", use_dictionary=["passage"])
    return path


def test_a_parquet_file_whose_rows_share_a_long_text_is_refused_before_they_are_in_memory(tmp_path: Path) -> None:
    file = parquet(tmp_path / "a.parquet", ["a" * 100_000] * 2_000)
    assert file.stat().st_size < 50_000
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    with pytest.raises(BadInput, match=r"a\.parquet: it unpacks to more than"):
        read_table(file)
    assert tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - before < 40 << 20
    tracemalloc.stop()


def test_what_a_parquet_file_says_it_unpacks_to_is_asked_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = parquet(tmp_path / "a.parquet", [f"{number} " + "a" * 100_000 for number in range(200)])
    monkeypatch.setattr(pyarrow.parquet.ParquetFile, "iter_batches", lambda *_: pytest.fail("it was read"))
    with pytest.raises(BadInput, match="unpacks to more than"):
        read_table(file)


def test_a_long_row_of_a_parquet_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BEFORE_RATIO", 1 << 30)
    file = parquet(tmp_path / "a.parquet", ["short", "a" * (2 << 20)])
    with pytest.raises(BadInput, match="line 2: the row is longer than 1 MB"):
        read_table(file)


def test_a_parquet_file_is_read_in_the_same_order_however_many_rows_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = parquet(tmp_path / "a.parquet", [f"text {number}" for number in range(100)])
    whole = read_table(file)
    monkeypatch.setattr("workbench.formats.parsing.parquet.BYTES_AT_ONCE", 1)
    assert read_table(file) == whole
    assert [passage.passage_id for passage in whole.passages] == [f"p{number}" for number in range(100)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_preview_of_a_large_file_reads_whole_lines_of_its_beginning(tmp_path: Path, packed: bool) -> None:
    row = b'{"passage_id": "p%d", "passage": "a text"}\n'
    content = b"".join(row % number for number in range(1_000))
    file = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    file.write_bytes(gzip.compress(content) if packed else content)
    with beginning(file, 1_000) as copy:
        passages = read_table(copy).passages
        assert copy.name == "a.jsonl"
    assert 20 < len(passages) < 30
    assert passages == read_table(file).passages[: len(passages)]
    assert not copy.exists()


def test_a_beginning_does_not_end_within_a_cell_and_holds_rows_of_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('passage_id,passage\np1,"one\ntwo"\np2,"three\nfour\nfive"\n')
    with beginning(tmp_path / "a.csv", 50) as copy:
        assert [passage.text for passage in read_table(copy).passages] == ["one\ntwo"]
    file = parquet(tmp_path / "a.parquet", [f"text {number}" for number in range(5_000)])
    with beginning(file, 1_000) as copy:
        assert 0 < len(read_table(copy).passages) < 5_000


def test_a_folder_s_beginning_has_all_of_its_files_and_a_document_has_none(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    (folder / "more").mkdir(parents=True)
    for name in ("a.run", "more/b.run"):
        (folder / name).write_text("".join(f"q{number} Q0 p 1 0.5 mine\n" for number in range(10_000)))
    with beginning(folder, 1_000) as copy:
        sizes = {str(file.relative_to(copy)): file.stat().st_size for file in copy.rglob("*.run")}
    assert set(sizes) == {"a.run", "more/b.run"}
    assert all(0 < size <= 1 << 16 for size in sizes.values())
    (tmp_path / "tasks.json").write_text("[" + "1," * 1_000 + "1]")
    with (
        pytest.raises(BadInput, match=r"tasks\.json: a JSON document .* has no preview"),
        beginning(tmp_path / "tasks.json", 1_000),
    ):
        pass
