"""Texts to unit vectors with a student's model, each text encoded once and kept on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench import machine
from workbench.engines import LOCAL, Engine, leftovers, map_shards, only_caller, shard_folder
from workbench.errors import BadSetting, Conflict
from workbench.records import Listener, Progress, silent
from workbench.retrieval.encode_work import Encoded, EncodeWork, MissingTexts, Texts, load_at, unit_vectors
from workbench.retrieval.fingerprint import fingerprint
from workbench.retrieval.passage_index import noted_index
from workbench.retrieval.precision import PRECISIONS, Choice, load_choices, measure, save_choice
from workbench.retrieval.stored_vectors import StoredVectors
from workbench.retrieval.vector_cache import Keys, VectorCache, Vectors, keys_of
from workbench.students import Student

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# What an interrupt may cost: the texts of one file, or the work of that many seconds.
TEXTS_IN_FILE = 2048
SECONDS_IN_FILE = 20.0


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

    def stored_passages(self, texts: Texts, listen: Listener = silent) -> StoredVectors:
        """Return the same, left on disk, of at least one text; texts are read block by block, and none is held."""
        return self._stored("passage", texts, listen)

    def to_encode(self, kind: str, texts: Sequence[str]) -> int:
        """Return how many of some texts of a kind have no vector on disk, in the precision that has most of them."""
        keys = keys_of(kind, [texts])
        model = self.fingerprint if kind == "query" else self.index_fingerprint
        chosen = self._chosen.get(model, self._setting)
        precisions = PRECISIONS if chosen == "auto" else (chosen,)
        return min(len(self._cache(model, precision).missing(keys)) for precision in precisions)

    def _vectors(self, kind: str, texts: Sequence[str], listen: Listener) -> Vectors:
        return self._stored(kind, lambda: [texts], listen)[:] if texts else np.empty((0, 0), np.float32)

    def _stored(self, kind: str, texts: Texts, listen: Listener) -> StoredVectors:
        keys = keys_of(kind, texts())
        model = self.fingerprint if kind == "query" else self.index_fingerprint
        cache = self._cache_for(model, keys, texts)
        if len(absent := cache.missing(keys)):
            self._fill(cache, MissingTexts(kind, texts, absent), listen, self._chosen.get(model, self._setting))
            if len(cache.missing(absent)):
                raise Conflict("Texts have changed while they were encoded.", "Run the same again.")
        return cache.stored(keys)

    def _cache_for(self, model: str, keys: Keys, texts: Texts) -> VectorCache:
        """Choose the precision as late as possible: what is complete on disk needs no choice and no model."""
        if (precision := self._chosen.get(model, self._setting)) != "auto":
            return self._cache(model, precision)
        file, cpu = self.cache / f"{model}.json", machine.cpu_name()
        choices = load_choices(file)
        if cpu not in choices:
            for precision in dict.fromkeys(choice.precision for choice in choices.values()):
                if not len(self._cache(model, precision).missing(keys)):
                    return self._cache(model, precision)
            spread = islice(chain.from_iterable(texts()), 0, None, -(-len(keys) // TEXTS_IN_FILE))
            choices[cpu] = self._choose(list(spread))
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

    def _fill(self, cache: VectorCache, missing: MissingTexts, listen: Listener, precision: str) -> None:
        """Encode and cache."""
        here = self._here(missing.kind, precision)
        work = EncodeWork(self.student, self.fingerprint, missing.kind, precision, self.batch_size, here)
        workspace, rows = self.cache.parent, self.engine.settings.rows
        folder = shard_folder(self.engine, str(workspace / "shards"), "encode", work.name)
        if len(missing.keys) <= rows:
            folder = None  # too few for another machine to load a model
        with only_caller(folder, workspace / "locks"):
            for left in leftovers(work, folder) if folder else ():
                cache.add(*left)
            missing = replace(missing, keys=cache.missing(missing.keys))
            total, note = len(missing.keys), f"{self.name}, {precision}"
            shards = missing.shards(rows if folder else TEXTS_IN_FILE)
            _add(
                cache,
                map_shards(work, shards, self.engine, folder),
                1 if folder else TEXTS_IN_FILE,
                lambda done: listen(Progress("encode", done, total, "texts", note)),
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
