"""How far the reading of a file is, reported to whoever waits for it."""

from __future__ import annotations

from io import BufferedReader, FileIO
from pathlib import Path
from typing import IO, Any

from workbench.progress import listener
from workbench.records import Listener, Progress, silent

MEGABYTE = 1 << 20
LEAST = 16 * MEGABYTE  # smaller files are read before anyone asks how far it is


def open_watched(path: Path) -> IO[bytes]:
    """Open a file for reading; of a compressed one the compressed bytes are counted."""
    listen, size = listener(), path.stat().st_size
    if listen is silent or size < LEAST:
        return path.open("rb")
    return BufferedReader(_Watched(path, size, listen), MEGABYTE)


class _Watched(FileIO):
    """A file that reports after each read how much of it has been read, in megabytes."""

    def __init__(self, path: Path, size: int, listen: Listener) -> None:
        super().__init__(path)
        self._file, self._size, self._listen, self._done = path.name, size, listen, 0
        self._report()

    def readinto(self, buffer: Any) -> int | None:
        """Read into a buffer, as FileIO does."""
        count = super().readinto(buffer)
        self._add(count or 0)
        return count

    def readall(self) -> bytes:
        """Read all that is left, as FileIO does."""
        content = super().readall()
        self._add(len(content))
        return content

    def _add(self, count: int) -> None:
        before, self._done = self._done, min(self._size, self._done + count)
        if -(-before // MEGABYTE) < -(-self._done // MEGABYTE):
            self._report()

    def _report(self) -> None:
        done, total = (-(-size // MEGABYTE) for size in (self._done, self._size))  # rounded up
        self._listen(Progress("read", done, total, "MB", self._file))
