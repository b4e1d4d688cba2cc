"""Encoding as work on shards: texts to unit vectors under their keys, in this process or on another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from workbench import memory
from workbench.engines import Work
from workbench.errors import Conflict, WorkbenchError
from workbench.retrieval.fingerprint import fingerprint
from workbench.retrieval.vector_cache import KEY_BYTES, Keys, Vectors, key, keys_of
from workbench.students import Student, load

if TYPE_CHECKING:
    import pyarrow as pa
    from sentence_transformers import SentenceTransformer

TEXTS_IN_CALL = 128
SHARDS_AT_ONCE = 4  # whose texts are in memory, to be sorted
# Texts block by block, the same ones each time that it is called.
Texts = Callable[[], Iterable[Sequence[str]]]


@dataclass(frozen=True)
class MissingTexts:
    """The texts of one kind, query or passage, that have no vector: those of some sorted `keys`, each once."""

    kind: str
    blocks: Texts
    keys: Keys

    def shards(self, size: int) -> Iterator[list[str]]:
        """Yield them so many at a time, of each few shards the longest first: so batches hold little padding."""
        texts = self._each()
        while block := list(islice(texts, SHARDS_AT_ONCE * size)):
            block.sort(key=len, reverse=True)
            yield from (block[start : start + size] for start in range(0, len(block), size))

    def _each(self) -> Iterator[str]:
        is_waiting = np.ones(len(self.keys), np.bool_)
        blocks = iter(self.blocks())
        while is_waiting.any() and (block := next(blocks, None)) is not None:
            places = np.searchsorted(self.keys, keys := keys_of(self.kind, [block])).clip(max=len(self.keys) - 1)
            for row in np.flatnonzero((self.keys[places] == keys) & is_waiting[places]).tolist():
                if is_waiting[places[row]]:
                    is_waiting[places[row]] = False
                    yield block[row]


class Encoded(NamedTuple):
    """Unit vectors (n, d), and under which keys they are kept."""

    keys: list[bytes]
    vectors: Vectors


@dataclass(frozen=True)
class EncodeWork(Work[list[str], Encoded]):
    """What a student's model does to texts of one kind, query or passage; `encode` stays in this process."""

    student: Student
    fingerprint: str
    kind: str
    precision: str
    batch_size: int
    encode: Callable[[list[str]], Vectors] | None = None

    @property
    def name(self) -> str:
        """Return model, precision and kind of text."""
        return f"{self.fingerprint}-{self.precision}-{self.kind}"

    def start(self) -> Callable[[list[str]], Iterator[Encoded]]:
        """Return what encodes; raises Conflict where the student's folder does not hold the same model."""
        encode = self.encode or self._loaded()

        def encoded(texts: list[str]) -> Iterator[Encoded]:
            for start in range(0, len(texts), TEXTS_IN_CALL):
                part = texts[start : start + TEXTS_IN_CALL]
                yield Encoded([key(self.kind, text) for text in part], encode(part))

        return encoded

    def __getstate__(self) -> dict[str, Any]:
        """Leave the model of this process behind, and the recipe, which needs not be picklable."""
        return {**vars(self), "encode": None, "student": Student(self.student.name, self.student.path)}

    def _loaded(self) -> Callable[[list[str]], Vectors]:
        if not self.student.path.is_dir() or fingerprint(self.student.path) != self.fingerprint:
            raise Conflict(
                f"On a worker's machine {self.student.path} does not hold the student {self.student.name!r}.",
                "Keep workspace and models in folders that all machines share, under the same path.",
            )
        model = load_at(self.student, self.precision)
        return lambda texts: unit_vectors(model, self.kind, texts, self.batch_size, self.student.name)

    def shard_to_table(self, shard: list[str]) -> pa.Table:
        """Return a row a text."""
        import pyarrow as pa

        # As bytes: a text may hold half of a surrogate pair, which Arrow's strings cannot.
        return pa.table({"text": pa.array([text.encode("utf-8", "surrogatepass") for text in shard], pa.binary())})

    def shard_from_table(self, table: pa.Table) -> list[str]:
        """Return the texts."""
        return [text.decode("utf-8", "surrogatepass") for text in table["text"].to_pylist()]

    def batch_to_table(self, batch: Encoded) -> pa.Table:
        """Return a row a vector."""
        import pyarrow as pa

        keys = pa.array(batch.keys, pa.binary(KEY_BYTES))
        numbers = pa.array(np.ascontiguousarray(batch.vectors, np.float32).ravel())
        vectors = pa.FixedSizeListArray.from_arrays(numbers, batch.vectors.shape[1])
        return pa.table({"key": keys, "vector": vectors})

    def batch_from_table(self, table: pa.Table) -> Encoded:
        """Return the vectors and their keys."""
        vectors = table["vector"].combine_chunks()
        numbers = vectors.flatten().to_numpy().reshape(len(vectors), -1)
        return Encoded(table["key"].to_pylist(), np.asarray(numbers, np.float32))


def load_at(student: Student, precision: str) -> SentenceTransformer:
    """Return a student's model in a precision."""
    model = load(student)
    return model.bfloat16() if precision == "bfloat16" else model


def unit_vectors(model: SentenceTransformer, kind: str, texts: list[str], batch_size: int, name: str) -> Vectors:
    """Return unit vectors (n, d) of texts; raises WorkbenchError for one that has none."""
    encode = model.encode_query if kind == "query" else model.encode_document
    raw = memory.halving(
        lambda size: encode(texts, batch_size=size, show_progress_bar=False, convert_to_numpy=True), batch_size
    )
    vectors = np.asarray(raw, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unfit = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
    if unfit.any():
        text = texts[int(np.argmax(unfit))]
        raise WorkbenchError(
            f"{name!r} has no usable vector for the {kind} {text[:80]!r}: it is zero or not a number.",
            "Leave the text out if it holds no words; if it does, the student's training has gone astray.",
        )
    return np.asarray(vectors / lengths, dtype=np.float32)
