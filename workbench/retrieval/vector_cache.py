"""Vectors on disk, found by the text they stand for; in small files that are complete or not there."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import files
from workbench.errors import Damaged
from workbench.retrieval.stored_vectors import StoredVectors

KEY_BYTES = 16
KEY = np.dtype(f"S{KEY_BYTES}")
# A name that begins so goes on with a digest of what is in the file; those of earlier versions are drawn at random.
CHECKED = "sha256-"
# Unit vectors that were rounded to float32 miss length 1 by less; damaged ones by more.
UNIT_WITHIN = 1e-3

Vectors = NDArray[np.float32]
Keys = NDArray[np.bytes_]


def key(kind: str, text: str) -> bytes:
    """Return the key of a vector: a digest of the text and of the kind, query or passage, it was encoded as."""
    return blake2b(f"{kind}\0{text}".encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def keys_of(kind: str, blocks: Iterable[Sequence[str]]) -> Keys:
    """Return the keys of texts that come block by block, in a quarter of the memory of as many Python objects."""
    parts = [np.frombuffer(b"".join(key(kind, text) for text in block), KEY) for block in blocks]
    return np.concatenate(parts) if parts else np.empty(0, KEY)


class VectorCache:
    """The unit vectors of one model at one precision: a folder of files that are written once and never changed.

    Each file of vectors (n, d) has a file of keys (n, 16 bytes) beside it, which is written last: without it the
    vectors do not count. Both are named after a digest of their content, so several processes may add at once, and what
    has changed since is left out, as other damaged files are, with a warning.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names: list[str] = []
        self._width = 0
        self._damaged: set[str] = set()
        self._keys = np.empty(0, KEY)  # sorted; each is in the file of that number, in that row
        self._numbers = self._rows = np.empty(0, np.int32)
        self._unsorted: list[tuple[Keys, int]] = []

    def missing(self, keys: Keys | Sequence[bytes]) -> Keys:
        """Return the keys that no file holds, sorted, looking again at the folder if there are any."""
        absent = np.unique(_array(keys))
        absent = absent[~self._find(absent)[1]]
        if len(absent) and self._look():
            absent = absent[~self._find(absent)[1]]
        return absent

    def stored(self, keys: Keys | Sequence[bytes]) -> StoredVectors:
        """Return the vectors of keys that are there, (n, d) float32, in the order asked for; they stay on disk."""
        wanted = _array(keys)
        places, is_there = self._find(wanted)
        if not is_there.all():
            raise KeyError(wanted[int(np.argmin(is_there))])
        files = [self.folder / f"{name}.npy" for name in self._names]
        return StoredVectors(files, self._width, self._numbers[places], self._rows[places])

    def take(self, keys: Sequence[bytes]) -> Vectors:
        """Return the vectors of keys that are there, (n, d) float32, in the order asked for."""
        return self.stored(keys)[:] if len(keys) else np.empty((0, 0), np.float32)

    def add(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Save vectors (n, d) under their keys; once this returns they survive a crash."""
        table = np.ascontiguousarray(vectors, np.float32)
        rows = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY_BYTES)
        name = _name(rows, table)
        _write(self.folder / f"{name}.npy", table)
        _write(self.folder / f"{name}.keys.npy", rows)
        self._open(name)

    def damaged(self) -> list[Path]:
        """Return the files of vectors that would be left out, each looked at anew."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Damaged)
            looked = VectorCache(self.folder)
            looked._look()
        return [self.folder / f"{name}.npy" for name in sorted(looked._damaged)]

    def _look(self) -> bool:
        """Open the files that have appeared, and tell whether there were any."""
        names = {path.name.removesuffix(".keys.npy") for path in self.folder.glob("*.keys.npy")}
        fresh = names - set(self._names) - self._damaged
        for name in sorted(fresh):
            self._open(name)
        return bool(fresh)

    def _find(self, wanted: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return where keys stand among the sorted ones, and whether they do; of several files the first one counts."""
        if self._unsorted:
            keys = np.concatenate([self._keys, *(keys for keys, _ in self._unsorted)])
            numbers = [np.full(len(keys), number, np.int32) for keys, number in self._unsorted]
            rows = [np.arange(len(keys), dtype=np.int32) for keys, _ in self._unsorted]
            order = np.argsort(keys, kind="stable")
            self._keys = keys[order]
            self._numbers = np.concatenate([self._numbers, *numbers])[order]
            self._rows = np.concatenate([self._rows, *rows])[order]
            self._unsorted = []
        if not len(self._keys):
            return np.zeros(len(wanted), np.intp), np.zeros(len(wanted), np.bool_)
        places = np.searchsorted(self._keys, wanted).clip(max=len(self._keys) - 1)
        return places, self._keys[places] == wanted

    def _open(self, name: str) -> None:
        try:
            keys = np.load(self.folder / f"{name}.keys.npy", allow_pickle=False)
            vectors = np.load(self.folder / f"{name}.npy", allow_pickle=False)
            self._check(keys, vectors)
            if name.startswith(CHECKED) and _name(keys, vectors) != name:
                raise ValueError("its content is not what was written")
        except (OSError, ValueError, EOFError) as error:
            self._damaged.add(name)
            file = self.folder / f"{name}.npy"
            warnings.warn(f"Left out a damaged file of vectors, {file}: {error}", Damaged, stacklevel=2)
            return
        self._unsorted.append((np.frombuffer(keys.tobytes(), KEY), len(self._names)))
        self._names.append(name)
        self._width = vectors.shape[1]

    def _check(self, keys: NDArray[Any], vectors: NDArray[Any]) -> None:
        if keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] != KEY_BYTES or vectors.ndim != 2:
            raise ValueError("it has another format")
        if len(keys) != len(vectors) or vectors.dtype != np.float32:
            raise ValueError(f"{len(keys)} keys do not fit vectors of shape {vectors.shape}, {vectors.dtype}")
        if self._names and vectors.shape[1] != self._width:
            raise ValueError(f"its vectors have {vectors.shape[1]} numbers, not {self._width}")
        lengths = np.linalg.norm(vectors, axis=1)
        if not np.all(np.abs(lengths - 1) < UNIT_WITHIN):
            raise ValueError("some of its vectors are not of unit length")


def _array(keys: Keys | Sequence[bytes]) -> Keys:
    return keys if isinstance(keys, np.ndarray) else np.frombuffer(b"".join(keys), KEY)


def _name(keys: NDArray[Any], vectors: NDArray[Any]) -> str:
    digest = sha256(np.ascontiguousarray(keys).data)
    digest.update(vectors.data)
    return f"{CHECKED}{digest.hexdigest()[:32]}"


def _write(file: Path, array: NDArray[Any]) -> None:
    with files.stream(file) as stream:
        np.save(stream, array, allow_pickle=False)
