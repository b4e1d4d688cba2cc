"""An exported student: texts to unit vectors with tokenizers, numpy and a runtime, without torch."""

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
    """One model file of an exported folder, such as onnx/model.onnx; loaded when the first text comes."""

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
        """Return the model's inputs: padded token ids, mask and token types, (n, longest)."""
        tokenizer, layout = self._tokenizer, self.layout
        if longest := layout.longest[kind]:
            tokenizer.enable_truncation(longest)
        prompted = [layout.prompts[kind] + text for text in texts]
        if layout.lower_case:
            prompted = [text.lower() for text in prompted]
        encodings = tokenizer.encode_batch(prompted, add_special_tokens=layout.pooling != "none")
        width = max(1, *(len(encoding.ids) for encoding in encodings))
        ids = np.full((len(encodings), width), layout.padding, np.int64)
        mask, types = np.zeros((2, len(encodings), width), np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
            types[row, : len(encoding.ids)] = encoding.type_ids
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}

    def _vectors(self, kind: Kind, texts: Sequence[str], listen: Listener) -> Vectors:
        if not texts:
            return np.empty((0, 0), np.float32)
        # Texts of like length together, so that batches hold little padding.
        order = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        parts: list[Vectors] = []
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            parts.append(self._batch(kind, [texts[row] for row in rows]))
            listen(Progress("encode", start + len(rows), len(order), "texts", self.file))
        by_length = np.concatenate(parts)
        vectors = np.empty_like(by_length)
        vectors[order] = by_length
        return vectors

    def _batch(self, kind: Kind, texts: Sequence[str]) -> Vectors:
        inputs = self.tokens(kind, texts)
        vectors = self._pooled(self._session(inputs), inputs["attention_mask"])
        for weight, bias, activation in self._dense:
            vectors = ACTIVATE[activation](vectors @ weight.T + bias)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unfit = ~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0))
        if unfit.any():
            text = texts[int(np.argmax(unfit))]
            raise WorkbenchError(f"{self.file} has no usable vector for the {kind} {text[:80]!r}: it is zero.")
        return np.asarray(vectors / lengths, np.float32)

    def _pooled(self, outputs: Vectors, mask: NDArray[np.int64]) -> Vectors:
        """Return the vectors of texts (n, d) from the model's outputs."""
        if self.layout.pooling == "none":
            return outputs
        if self.layout.pooling == "cls":
            return outputs[:, 0]
        weights = mask[:, :, None].astype(np.float32)
        mean: Vectors = (outputs * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        return mean

    @cached_property
    def _session(self) -> Session:
        return session(self.folder / self.file)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        file = self.folder / "tokenizer.json"
        if not file.is_file():
            raise BadInput("There is no tokenizer.", file, hint="Export the student again.")
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _dense(self) -> list[tuple[Vectors, Vectors | float, str]]:
        """The weights (d', d), bias and activation of each linear map after pooling."""
        from safetensors.numpy import load_file

        maps: list[tuple[Vectors, Vectors | float, str]] = []
        for folder, activation in self.layout.dense:
            tensors = load_file(self.folder / folder / "model.safetensors")
            maps.append((tensors["linear.weight"], tensors.get("linear.bias", 0.0), activation))
        return maps
