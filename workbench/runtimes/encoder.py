"""A taken student at work: texts to unit vectors with tokenizers, numpy and a runtime, without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput, WorkbenchError
from workbench.records import Listener, Progress, silent
from workbench.runtimes.layout import Kind, read_layout
from workbench.runtimes.sessions import Session, session

Vectors = NDArray[np.float32]

ACTIVATE: Mapping[str, Callable[[Vectors], Vectors]] = {
    "Identity": lambda values: values,
    "Tanh": np.tanh,
    "ReLU": lambda values: np.maximum(values, 0),
    "Sigmoid": lambda values: np.reciprocal(1 + np.exp(-values), dtype=np.float32),
}


class RuntimeEncoder:
    """One model file of a taken folder, such as onnx/model.onnx; loaded when the first text comes."""

    def __init__(self, folder: Path, file: str, batch_size: int = 32) -> None:
        self.folder = folder
        self.file = file
        self.batch_size = batch_size
        self.layout = read_layout(folder)

    def queries(self, texts: Sequence[str], listen: Listener = silent) -> Vectors:
        """Return unit vectors (n, d) of queries."""
        return self._vectors("query", texts, listen)

    def passages(self, texts: Sequence[str], listen: Listener = silent) -> Vectors:
        """Return unit vectors (n, d) of passages."""
        return self._vectors("passage", texts, listen)

    def tokens(self, kind: Kind, texts: Sequence[str]) -> dict[str, NDArray[np.int64]]:
        """Return what the model reads: padded token ids, mask and token types, (n, longest)."""
        words, layout = self._tokenizer, self.layout
        if longest := layout.longest[kind]:
            words.enable_truncation(longest)
        prompt = layout.prompts[kind]
        read = [prompt + text for text in texts]
        if layout.lower_case:
            read = [text.lower() for text in read]
        found = words.encode_batch(read, add_special_tokens=layout.pooling != "none")
        wide = max(1, *(len(one.ids) for one in found))
        ids = np.full((len(found), wide), layout.padding, np.int64)
        mask, types = np.zeros((2, len(found), wide), np.int64)
        for row, one in enumerate(found):
            ids[row, : len(one.ids)] = one.ids
            mask[row, : len(one.ids)] = 1
            types[row, : len(one.ids)] = one.type_ids
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}

    def _vectors(self, kind: Kind, texts: Sequence[str], listen: Listener) -> Vectors:
        if not texts:
            return np.empty((0, 0), np.float32)
        # Texts of like length together, so that batches hold little padding.
        order = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
        parts: list[Vectors] = []
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            parts.append(self._batch(kind, [texts[row] for row in rows]))
            listen(Progress("encode", start + len(rows), len(order), "texts", self.file))
        vectors = np.concatenate(parts)
        back = np.empty_like(vectors)
        back[order] = vectors
        return back

    def _batch(self, kind: Kind, texts: Sequence[str]) -> Vectors:
        given = self.tokens(kind, texts)
        vectors = self._pooled(self._session(given), given["attention_mask"])
        for weight, bias, activation in self._dense:
            vectors = ACTIVATE[activation](vectors @ weight.T + bias)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unfit = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
        if unfit.any():
            text = texts[int(np.argmax(unfit))]
            raise WorkbenchError(f"{self.file} has no usable vector for the {kind} {text[:80]!r}: it is zero.")
        return np.asarray(vectors / lengths, np.float32)

    def _pooled(self, said: Vectors, mask: NDArray[np.int64]) -> Vectors:
        if self.layout.pooling == "none":
            return said
        if self.layout.pooling == "cls":
            return said[:, 0]
        share = mask[:, :, None].astype(np.float32)
        mean: Vectors = (said * share).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-9)
        return mean

    @cached_property
    def _session(self) -> Session:
        return session(self.folder / self.file)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        file = self.folder / "tokenizer.json"
        if not file.is_file():
            raise BadInput("There is no tokenizer.", file, hint="Take the student away once more.")
        words = Tokenizer.from_file(str(file))
        words.no_padding()
        return words

    @cached_property
    def _dense(self) -> list[tuple[Vectors, Vectors | float, str]]:
        from safetensors.numpy import load_file

        maps: list[tuple[Vectors, Vectors | float, str]] = []
        for place, activation in self.layout.dense:
            held = load_file(self.folder / place / "model.safetensors")
            maps.append((held["linear.weight"], held.get("linear.bias", 0.0), activation))
        return maps
