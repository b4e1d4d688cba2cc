"""Files as numbered lines, and lines as files: encodings, line ends, compression."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from workbench import files
from workbench.errors import BadInput
from workbench.formats.parsing.gathering import Gathering, Problem, Unreadable
from workbench.formats.parsing.values import parse_json, shown
from workbench.formats.parsing.watched import open_watched
from workbench.progress import reporting

GZIP_MAGIC = b"\x1f\x8b"
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
# A line holds a row, and a text of a book has a million letters: what is longer is no table, or meant to fill memory.
LONGEST_LINE = 64 << 20
# Text shrinks to a tenth or a twentieth by gzip, and regular numbers to a hundredth; zeros shrink to a thousandth.
MOST_UNPACKED, BEFORE_RATIO = 200, 64 << 20
# What reading raises where compressed bytes end early, are damaged, or a disk fails.
DAMAGED = (EOFError, zlib.error, OSError)


def open_text(path: Path, problems: list[Problem]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a UTF-8 file with their numbers, without their ends.

    Only LF and CRLF end a line, so that U+2028 or a form feed within a text does not. A line that
    is not UTF-8 becomes a problem and is left out.
    """
    for number, raw in raw_lines(path, problems):
        try:
            yield number, raw.removesuffix(b"\n").removesuffix(b"\r").decode()
        except UnicodeDecodeError as trouble:
            problems.append(Problem(str(path), number, f"not UTF-8: byte {trouble.start + 1} of the line"))


def raw_lines(path: Path, problems: list[Problem]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file, plain or gzip, with their numbers and ends, without a byte order mark.

    Where compressed bytes end early or are damaged, the first line that is lost becomes a problem.
    """
    number = 0
    with open_bytes(path) as file:
        while raw := _next_line(file, path, number + 1, problems):
            number += 1
            if number == 1:
                if raw.startswith(UTF16_BOMS):
                    raise BadInput("this is UTF-16 text.", path, hint="Save it as UTF-8.")
                raw = raw.removeprefix(UTF8_BOM)
            yield number, raw


def json_objects(path: Path, gathering: Gathering) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSON-lines file with their line numbers; empty lines are skipped."""
    for line, text in open_text(path, gathering.problems):
        if not text.strip():
            continue
        value: Any = None
        with gathering.reading(path, line):
            value = parse_json(text)
            if not isinstance(value, dict):
                raise Unreadable(f"expected a JSON object, found {shown(value)}")
        if isinstance(value, dict):
            yield line, value


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressed; what is gzip is told by its first bytes, not by its name."""
    if path.is_dir():
        raise BadInput("expected a file, found a folder.", path)
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == GZIP_MAGIC
        if not compressed and path.suffix == ".gz":
            raise BadInput("the name says gzip, the content is not gzip.", path)
        watched = open_watched(path)
        return cast("IO[bytes]", _Unpacked(watched, path)) if compressed else watched
    except FileNotFoundError:
        raise BadInput("there is no such file.", path) from None
    except OSError as trouble:
        raise BadInput(f"the file cannot be opened ({trouble.strerror}).", path) from None


class _Unpacked(gzip.GzipFile):
    """A compressed file that closes the file it reads from, and is refused once it unpacks to more than any table."""

    def __init__(self, packed: IO[bytes], path: Path) -> None:
        super().__init__(fileobj=packed, mode="rb")
        self._packed = packed
        self._path = path
        self._most = most_unpacked(path)

    def read(self, size: int | None = -1) -> bytes:
        """Read at most `size` bytes, all if that is negative; raises BadInput where there are too many."""
        content = super().read(self._most - self.tell() + 1 if size is None or size < 0 else size)
        self._limit()
        return content

    def readline(self, size: int | None = -1) -> bytes:
        """Read a line of at most `size` bytes; raises BadInput where there is too much before it."""
        line = super().readline(-1 if size is None else size)
        self._limit()
        return line

    def _limit(self) -> None:
        if self.tell() > self._most:
            raise unpacks_to_too_much(self._path, "Unpack it by yourself if it is what you expect, and ingest that.")

    def close(self) -> None:
        """Close both files."""
        super().close()
        self._packed.close()


def most_unpacked(path: Path) -> int:
    """Return how many bytes a compressed file may unpack to."""
    return max(BEFORE_RATIO, MOST_UNPACKED * path.stat().st_size)


def unpacks_to_too_much(path: Path, hint: str) -> BadInput:
    """Return the error that refuses a compressed file."""
    most = most_unpacked(path) >> 20
    return BadInput(f"it unpacks to more than {most:,} MB, {MOST_UNPACKED} times its size.", path, hint=hint)


def write_lines(lines: Iterable[str], path: Path) -> None:
    """Write lines as UTF-8 with LF ends, compressed if the name ends in `.gz`; the file appears only whole.

    The same lines give the same bytes, also compressed.
    """
    encoded = (f"{line}\n".encode() for line in reporting(lines, "write", "lines", path.name))
    with files.stream(path) as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                packed.writelines(encoded)
        else:
            file.writelines(encoded)


def _next_line(file: IO[bytes], path: Path, number: int, problems: list[Problem]) -> bytes:
    try:
        line = file.readline(LONGEST_LINE)
        if len(line) == LONGEST_LINE:
            raise BadInput(f"the line is longer than {LONGEST_LINE >> 20} MB.", path, number, "Split the file's texts.")
        return line
    except DAMAGED:
        trouble = "the file is damaged or ends early"
        if number == 1:
            raise BadInput(f"{trouble}, nothing can be read.", path, hint="Fetch or copy it again.") from None
        problems.append(Problem(str(path), number, f"{trouble}: this line and all after it are lost"))
        return b""
