"""The beginning of large files, as files of their own: what a preview reads of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from workbench.errors import BadInput
from workbench.formats.parsing.lines import DAMAGED, open_bytes
from workbench.formats.parsing.parquet import reading_parquet

MOST = 20 << 20  # bytes of a file or of a folder's files together, unpacked
LEAST = 1 << 16  # of each file of a folder, however many there are
ROWS_AT_ONCE = 1_024
QUOTED = (".csv", ".tsv")  # in which a line end may stand within a cell


@contextmanager
def beginning(path: Path, most: int = MOST) -> Iterator[Path]:
    """Yield a copy of a file or folder, of which no more than `most` bytes are there: whole lines and whole rows.

    Raises BadInput for a document that means nothing unless it is whole.
    """
    with TemporaryDirectory(prefix="beginning-") as folder:
        copy = Path(folder) / path.name
        if not path.is_dir():
            yield _copied(path, copy, most)
            return
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        for file in files:
            _copied(file, copy / file.relative_to(path), max(LEAST, most // len(files)))
        yield copy


def _copied(file: Path, copy: Path, most: int) -> Path:
    """Write the beginning of a file, unpacked, and return where."""
    copy = copy.with_name(copy.name.removesuffix(".gz"))
    copy.parent.mkdir(parents=True, exist_ok=True)
    if copy.suffix.lower() == ".parquet":
        _copy_rows(file, copy, most)
        return copy
    with open_bytes(file) as source:
        try:
            content = source.read(most)
        except DAMAGED:
            raise BadInput("the file is damaged or ends early.", file, hint="Fetch or copy it again.") from None
    if len(content) == most:
        if copy.suffix.lower() == ".json":
            raise BadInput(
                f"a JSON document of more than {most >> 20} MB has no preview.", file, hint="Ingest it without one."
            )
        content = content[: _whole_lines(content, copy.suffix.lower() in QUOTED)]
    copy.write_bytes(content)
    return copy


def _whole_lines(content: bytes, quoted: bool) -> int:
    """Return where the last whole line ends; with `quoted` one that is not within quotation marks."""
    end = content.rfind(b"\n") + 1
    marks = content.count(b'"', 0, end) if quoted else 0
    while marks % 2 and end:
        before = content.rfind(b"\n", 0, end - 1) + 1
        marks -= content.count(b'"', before, end)
        end = before
    return end


def _copy_rows(file: Path, copy: Path, most: int) -> None:
    import pyarrow.parquet

    with reading_parquet(file):
        source = pyarrow.parquet.ParquetFile(file)
        with pyarrow.parquet.ParquetWriter(copy, source.schema_arrow) as writer:
            for batch in source.iter_batches(ROWS_AT_ONCE):
                writer.write_batch(batch)
                most -= batch.nbytes
                if most <= 0:
                    return
