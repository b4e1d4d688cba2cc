"""Texts to unit vectors with a student's model, each text encoded once and kept on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cache, cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench import machine, memory
from workbench.errors import BadSetting, WorkbenchError
from workbench.records import Listener, Progress, silent
from workbench.retrieval.passage_index import noted_index
from workbench.retrieval.precision import PRECISIONS, Choice, load_choices, measure, save_choice
from workbench.retrieval.vector_cache import VectorCache, Vectors, key
from workbench.students import RECIPE, Student, load

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Files of a model folder that describe it and do not change its vectors.
DESCRIPTIONS = {RECIPE, "history.jsonl", "data_config.json", "training_args.bin", "trainer_state.json"}
OTHER_RUNTIMES = {"onnx", "openvino"}
# What an interrupt may cost: the texts of one file, or the work of that many seconds.
TEXTS_IN_FILE = 2048
SECONDS_IN_FILE = 20.0
TEXTS_IN_CALL = 128


class Encoder:
    """Encodes texts with a student's model, which is loaded once a vector is asked for that is not on disk.

    Vectors lie in `cache`/<fingerprint>-<precision>/; those of passages in its base's folder, if this workspace trained
    the student to encode passages as its base does: then an index of the base's vectors is the student's too. Precision
    "auto" is float32, or bfloat16 where a measurement on the first texts finds that this machine gains by it and the
    vectors hardly change; the choice is saved beside them.
    """

    def __init__(self, student: Student, cache: Path, precision: str = "auto", batch_size: int = 32) -> None:
        if precision not in ("auto", *PRECISIONS):
            raise BadSetting(f"precision is {precision!r}.", f"It is 'auto' or one of {', '.join(PRECISIONS)}.")
        self.student = student
        self.cache = cache
        self.batch_size = batch_size
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

    def _vectors(self, kind: str, texts: Sequence[str], listen: Listener) -> Vectors:
        if not texts:
            return np.empty((0, 0), np.float32)
        keys = [key(kind, text) for text in texts]
        model = self.fingerprint if kind == "query" else self.index_fingerprint
        cache = self._cache_for(model, keys, texts)
        absent = cache.missing(keys)
        if absent:
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key in absent}
            self._fill(cache, kind, missing, listen, self._chosen.get(model, self._setting))
        return cache.take(keys)

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
            choices[cpu] = self._choose(texts)
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
            model = load(self.student)
            if precision == "bfloat16":
                model = model.bfloat16()
            self._models[precision] = model
        return self._models[precision]

    def _fill(self, cache: VectorCache, kind: str, missing: dict[bytes, str], listen: Listener, precision: str) -> None:
        """Encode and cache; longest first, so that batches hold little padding and time left is not underestimated."""
        order = sorted(missing, key=lambda key: -len(missing[key]))
        note = f"{self.name}, {precision}"
        listen(Progress("encode", 0, len(order), "texts", note))
        model = self._model(precision)
        keys: list[bytes] = []
        parts: list[Vectors] = []
        began = time.monotonic()
        try:
            for start in range(0, len(order), TEXTS_IN_CALL):
                batch = order[start : start + TEXTS_IN_CALL]
                parts.append(self._encode(model, kind, [missing[key] for key in batch]))
                keys += batch
                if len(keys) >= TEXTS_IN_FILE or time.monotonic() - began > SECONDS_IN_FILE:
                    cache.add(keys, np.concatenate(parts))
                    keys, parts, began = [], [], time.monotonic()
                listen(Progress("encode", start + len(batch), len(order), "texts", note))
        finally:
            # Also on the way out of an interrupt or an error: what is encoded stays encoded.
            if keys:
                cache.add(keys, np.concatenate(parts))

    def _encode(self, model: SentenceTransformer, kind: str, texts: list[str]) -> Vectors:
        encode = model.encode_query if kind == "query" else model.encode_document
        raw = memory.halving(
            lambda size: encode(texts, batch_size=size, show_progress_bar=False, convert_to_numpy=True), self.batch_size
        )
        vectors = np.asarray(raw, dtype=np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unfit = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
        if unfit.any():
            text = texts[int(np.argmax(unfit))]
            raise WorkbenchError(
                f"{self.name!r} has no usable vector for the {kind} {text[:80]!r}: it is zero or not a number.",
                "Leave the text out if it holds no words; if it does, the student's training has gone astray.",
            )
        return np.asarray(vectors / lengths, dtype=np.float32)


def is_static(path: Path) -> bool:
    """Tell from its files whether a model is a table of token vectors, or two for the two sides, without layers."""
    files = [path / "modules.json", *path.rglob("router_config.json")]
    types = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    return "StaticEmbedding" in types and 'Transformer"' not in types


def fingerprint(path: Path) -> str:
    """Return a digest of all files of a model folder that can change its vectors.

    Left out are what describes the model (README, student.json, history), hidden files and other runtimes' weights.
    """
    files = tuple(sorted(file for file in path.rglob("*") if _is_fingerprinted(file, path)))
    return _digest(path, tuple((file, file.stat().st_size, file.stat().st_mtime_ns) for file in files))


def _is_fingerprinted(file: Path, path: Path) -> bool:
    parts = file.relative_to(path).parts
    hidden = any(part.startswith(".") for part in parts)
    describes = file.name in DESCRIPTIONS or file.suffix.lower() == ".md"
    return file.is_file() and not (hidden or describes or OTHER_RUNTIMES & set(parts))


@cache
def _digest(path: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash names and contents; cached by size and time of change, as weights may take seconds to read."""
    digest = sha256()
    for file, _, _ in files:
        with file.open("rb") as stream:
            content = file_digest(stream, "sha256").hexdigest()
        digest.update(json.dumps([file.relative_to(path).as_posix(), content]).encode())
    return digest.hexdigest()[:16]
