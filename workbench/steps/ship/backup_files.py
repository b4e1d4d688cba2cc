"""A backup on disk: a folder or one tar file of a workspace's files, and the manifest that names and checks them."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, ClassVar, NamedTuple, Protocol

from workbench.errors import BadInput, StoreVersion
from workbench.results import Result

MANIFEST = "manifest.json"
DATABASE = "workbench.duckdb"
TAR = ".tar"  # the ending of a backup that is one file; its parts hardly compress
FORMAT = 1
NO_BACKUP = "Name the folder or the file that `workbench backup` wrote."

Opener = Callable[[str], BinaryIO]


class SavedFile(NamedTuple):
    """The size of a file and the SHA-256 of what it holds."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: each file by its path in the workspace, and how many rows each table has."""

    workbench: str
    schema: int
    created: str
    vectors: bool
    rows: Mapping[str, int]
    files: Mapping[str, SavedFile] = field(repr=False)

    @property
    def size(self) -> int:
        """Return how many bytes its files have."""
        return sum(file.size for file in self.files.values())

    def to_json(self) -> str:
        """Return the manifest as text, with a checksum of its own."""
        values = {
            "format": FORMAT,
            **asdict(self),
            "files": {name: file._asdict() for name, file in self.files.items()},
        }
        return json.dumps(values | {"sha256": _checksum(values)}, indent=1, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class WorkspaceFiles(Result):
    """What was written of a workspace: how many files and bytes, whether with vectors, and the rows of each table."""

    columns: ClassVar = {"table": "a table of the database", "rows": "how many rows it has"}

    path: Path
    files: int
    size: int
    vectors: bool
    rows: Mapping[str, int]

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each table."""
        return list(self.rows.items())


class Writer(Protocol):
    """Somewhere that a backup's files are written to."""

    def add(self, name: str, source: Path) -> SavedFile:
        """Copy a file under its path in the workspace, and return what was copied."""


class FolderWriter:
    """Writes a backup as a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, source: Path) -> SavedFile:
        """Copy a file; one that is in its place already is only read."""
        target = self._folder / name
        if source != target:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        with target.open("rb") as stream:
            return SavedFile(target.stat().st_size, file_digest(stream, "sha256").hexdigest())


class TarWriter:
    """Writes a backup as one tar file, without compression."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, name: str, source: Path) -> SavedFile:
        """Copy a file, and take its checksum on the way: it is read once, whoever replaces it meanwhile."""
        with source.open("rb") as stream:
            member = self._tar.gettarinfo(arcname=name, fileobj=stream)
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            hashed = _Hashed(stream)
            self._tar.addfile(member, hashed)
        return SavedFile(member.size, hashed.digest.hexdigest())


class _Hashed:
    """A stream whose checksum is taken while it is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self.digest.update(content)
        return content


@contextmanager
def opened(backup: Path) -> Iterator[Opener]:
    """Open a backup for reading: yield what opens its files by name, and raises KeyError or OSError without one."""
    if backup.is_dir():
        yield lambda name: (backup / name).open("rb")
        return
    try:
        with tarfile.open(backup, "r:") as tar:
            members = {member.name: member for member in tar if member.isreg()}

            def open_member(name: str) -> Any:
                return tar.extractfile(members[name])

            yield open_member
    except tarfile.TarError as error:
        raise BadInput(f"It is no whole tar file ({error}).", backup, hint=NO_BACKUP) from error


def read_manifest(open_file: Opener, backup: Path) -> Manifest:
    """Return the manifest of an open backup; raises BadInput where it is missing or damaged."""
    try:
        with open_file(MANIFEST) as stream:
            values = json.loads(stream.read())
        checksum, number = values.pop("sha256"), values.pop("format")
        if number > FORMAT:
            raise StoreVersion(f"{backup} was written by a newer workbench.", "Restore it with that one.")
        if checksum != _checksum({"format": number, **values}):
            raise ValueError("its checksum is another")
        files = {_safe(name): SavedFile(**file) for name, file in values.pop("files").items()}
        return Manifest(**values, files=files)
    except (KeyError, FileNotFoundError, NotADirectoryError) as error:
        raise BadInput("It has no whole manifest: it is no backup, or cut off.", backup, hint=NO_BACKUP) from error
    except (ValueError, TypeError, AttributeError) as error:
        problem = f"Its {MANIFEST} is damaged ({error})."
        raise BadInput(problem, backup, hint="Take another backup.") from error


def damaged_files(open_file: Opener, manifest: Manifest) -> list[str]:
    """Return the files of an open backup that are missing, or no longer what was written."""
    return [name for name, file in manifest.files.items() if _read(open_file, name) != file]


def copy_file(open_file: Opener, name: str, target: Path) -> SavedFile:
    """Copy one file out of an open backup, and return what was copied."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_file(name) as stream, target.open("wb") as file:
        shutil.copyfileobj(hashed := _Hashed(stream), file)
        return SavedFile(file.tell(), hashed.digest.hexdigest())


def _read(open_file: Opener, name: str) -> SavedFile | None:
    try:
        with open_file(name) as stream:
            checksum = file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
            return SavedFile(stream.tell(), checksum)
    except (KeyError, OSError, tarfile.TarError):
        return None


def _safe(name: str) -> str:
    """Return a path of a manifest; raises ValueError for one that leads out of the workspace."""
    path = PurePosixPath(name)
    if (
        path.is_absolute()
        or not path.parts
        or ".." in path.parts
        or "\\" in name
        or "\0" in name
        or ":" in path.parts[0]
    ):
        raise ValueError(f"{name!r} is no path within a workspace")
    return name


def _checksum(values: Mapping[str, Any]) -> str:
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
