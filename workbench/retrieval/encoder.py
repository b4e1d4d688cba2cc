"""Texts to unit vectors with a student's model, each text encoded once and kept on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from workbench import machine
from workbench.engines import LOCAL, Engine, leftovers, map_shards, only_caller, shard_folder
from workbench.errors import BadSetting
from workbench.records import Listener, Progress, silent
from workbench.retrieval.encode_work import Encoded, EncodeWork, load_at, unit_vectors
from workbench.retrieval.fingerprint import fingerprint
from workbench.retrieval.passage_index import noted_index
from workbench.retrieval.precision import PRECISIONS, Choice, load_choices, measure, save_choice
from workbench.retrieval.stored_vectors import StoredVectors
from workbench.retrieval.vector_cache import VectorCache, Vectors, key
from workbench.students import Student

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# What an interrupt may cost: the texts of one file, or the work of that many seconds.
TEXTS_IN_FILE = 2048
SECONDS_IN_FILE = 20.0


class _Missing(NamedTuple):
    """Texts to be encoded, each by the key of its vector; a text is made when its turn comes."""

    texts: Sequence[str]
    rows: dict[bytes, int]

    def text(self, key: bytes) -> str:
        return self.texts[self.rows[key]]


class Encoder:
    """Encodes texts with a student's model, which is loaded once a vector is asked for that is not on disk.

    Vectors lie in `cache`/<fingerprint>-<precision>/; those of passages in its base's folder, if this workspace trained
    the student to encode passages as its base does: then an index of the base's vectors is the student's too. Precision
    "auto" is float32, or bfloat16 where a measurement on the first texts finds that this machine gains by it and the
    vectors hardly change; the choice is saved beside them.
    """

    def __init__(
        self, student: Student, cache: Path, precision: str = "auto", batch_size: int = 32, engine: Engine = LOCAL
    ) -> None:
        if precision not in ("auto", *PRECISIONS):
            raise BadSetting(f"precision is {precision!r}.", f"It is 'auto' or one of {', '.join(PRECISIONS)}.")
        self.student = student
        self.cache = cache
        self.batch_size = batch_size
        self.engine = engine
        self._setting = "float32" if precision == "auto" and is_static(student.path) else precision
        self._chosen: dict[str, str] = {}
        self._caches: dict[str, VectorCache] = {}
        self._models: dict[str, SentenceTransformer] = {}

    @property
    def name(self) -> str:
        """Return the student's name."""
        return self.student.name

    @cached_property
    def fingerprint(self) -> str:
        """Return a digest of all that decides this model's vectors: its weights, tokenizer, settings and prompts."""
        return fingerprint(self.student.path)

    @property
    def index_fingerprint(self) -> str:
        """Return the fingerprint for its vectors of passages: its base's, if this workspace trained it to keep them."""
        return noted_index(self.cache, self.fingerprint)

    @property
    def precision(self) -> str:
        """Return the precision of this model's vectors of queries, "auto" until it is chosen."""
        return self._chosen.get(self.fingerprint, self._setting)

    def queries(self, texts: Sequence[str], listen: Listener = silent) -> Vectors:
        """Return unit vectors (n, d) of queries, with the model's prompt for queries where it has one."""
        return self._vectors("query", texts, listen)

    def queries_anew(self, texts: Sequence[str]) -> Vectors:
        """Return the same, encoded again and not kept, in the precision that was chosen, else in float32."""
        precision = "float32" if self.precision == "auto" else self.precision
        return self._encode(self._model(precision), "query", list(texts))

    def passages(self, texts: Sequence[str], listen: Listener = silent) -> Vectors:
        """Return unit vectors (n, d) of passages, with the model's prompt for documents where it has one."""
        return self._vectors("passage", texts, listen)

    def stored_passages(self, texts: Sequence[str], listen: Listener = silent) -> StoredVectors:
        """Return the same, left on disk; at least one text, of which none is kept in memory."""
        return self._stored("passage", texts, listen)

    def to_encode(self, kind: str, texts: Sequence[str]) -> int:
        """Return how many of some texts of a kind have no vector on disk, in the precision that has most of them."""
        keys = list({key(kind, text) for text in texts})
        model = self.fingerprint if kind == "query" else self.index_fingerprint
        chosen = self._chosen.get(model, self._setting)
        precisions = PRECISIONS if chosen == "auto" else (chosen,)
        return min(len(self._cache(model, precision).missing(keys)) for precision in precisions)

    def _vectors(self, kind: str, texts: Sequence[str], listen: Listener) -> Vectors:
        return self._stored(kind, texts, listen)[:] if texts else np.empty((0, 0), np.float32)

    def _stored(self, kind: str, texts: Sequence[str], listen: Listener) -> StoredVectors:
        keys = [key(kind, text) for text in texts]
        model = self.fingerprint if kind == "query" else self.index_fingerprint
        cache = self._cache_for(model, keys, texts)
        if absent := cache.missing(keys):
            missing = _Missing(texts, {key: row for row, key in enumerate(keys) if key in absent})
            self._fill(cache, kind, missing, listen, self._chosen.get(model, self._setting))
        return cache.stored(keys)

    def _cache_for(self, model: str, keys: Sequence[bytes], texts: Sequence[str]) -> VectorCache:
        """Choose the precision as late as possible: what is complete on disk needs no choice and no model."""
        if (precision := self._chosen.get(model, self._setting)) != "auto":
            return self._cache(model, precision)
        file, cpu = self.cache / f"{model}.json", machine.cpu_name()
        choices = load_choices(file)
        if cpu not in choices:
            for precision in dict.fromkeys(choice.precision for choice in choices.values()):
                if not self._cache(model, precision).missing(keys):
                    return self._cache(model, precision)
            choices[cpu] = self._choose([texts[row] for row in range(0, len(texts), -(-len(texts) // TEXTS_IN_FILE))])
            save_choice(file, cpu, choices[cpu])
        self._chosen[model] = choices[cpu].precision
        return self._cache(model, choices[cpu].precision)

    def _choose(self, texts: Sequence[str]) -> Choice:
        if not machine.fast_bfloat16() or (model := self._model("float32")).device.type != "cpu":
            return Choice("float32")
        choice, half = measure(model, texts)
        if half is not None:
            self._models = {"bfloat16": half}
        return choice

    def _cache(self, model: str, precision: str) -> VectorCache:
        name = f"{model}-{precision}"
        return self._caches.setdefault(name, VectorCache(self.cache / name))

    def _model(self, precision: str) -> SentenceTransformer:
        if precision not in self._models:
            self._models[precision] = load_at(self.student, precision)
        return self._models[precision]

    def _fill(self, cache: VectorCache, kind: str, missing: _Missing, listen: Listener, precision: str) -> None:
        """Encode and cache; longest first, so that batches hold little padding and time left is not underestimated."""
        work = EncodeWork(self.student, self.fingerprint, kind, precision, self.batch_size, self._here(kind, precision))
        workspace, rows = self.cache.parent, self.engine.settings.rows
        folder = shard_folder(self.engine, str(workspace / "shards"), "encode", work.name)
        if len(missing.rows) <= rows:
            folder = None  # too few for another machine to load a model
        with only_caller(folder, workspace / "locks"):
            for left in leftovers(work, folder) if folder else ():
                cache.add(*left)
            absent = cache.missing([*missing.rows])
            order = sorted((key for key in missing.rows if key in absent), key=lambda key: -len(missing.text(key)))
            step, note = rows if folder else TEXTS_IN_FILE, f"{self.name}, {precision}"
            shards = ([missing.text(key) for key in order[at : at + step]] for at in range(0, len(order), step))
            _add(
                cache,
                map_shards(work, shards, self.engine, folder),
                1 if folder else TEXTS_IN_FILE,
                lambda done: listen(Progress("encode", done, len(order), "texts", note)),
            )
            if folder:
                folder.clear()

    def _here(self, kind: str, precision: str) -> Callable[[list[str]], Vectors]:
        return lambda texts: self._encode(self._model(precision), kind, texts)

    def _encode(self, model: SentenceTransformer, kind: str, texts: list[str]) -> Vectors:
        return unit_vectors(model, kind, texts, self.batch_size, self.name)


def is_static(path: Path) -> bool:
    """Tell from its files whether a model is a table of token vectors, or two for the two sides, without layers."""
    files = [path / "modules.json", *path.rglob("router_config.json")]
    types = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    return "StaticEmbedding" in types and 'Transformer"' not in types


def _add(cache: VectorCache, encoded: Iterable[Encoded], least: int, report: Callable[[int], None]) -> None:
    """Cache vectors as they come, in files of so many at least or of some seconds' work; report how many there are."""
    report(0)
    keys: list[bytes] = []
    parts: list[Vectors] = []
    began, done = time.monotonic(), 0
    try:
        for part in encoded:
            parts.append(part.vectors)
            keys += part.keys
            done += len(part.keys)
            if len(keys) >= least or time.monotonic() - began > SECONDS_IN_FILE:
                cache.add(keys, np.concatenate(parts))
                keys, parts, began = [], [], time.monotonic()
            report(done)
    finally:
        # Also on the way out of an interrupt or an error: what is encoded stays encoded.
        if keys:
            cache.add(keys, np.concatenate(parts))
