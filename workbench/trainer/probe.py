"""A probe of training: how long and how large a base's texts are, and what a token of them costs on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from heapq import nlargest
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import machine
from workbench.trainer.base_facts import PERCENTILES, Lengths, Precision, TokenCosts

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from workbench.trainer.settings import TrainSettings

# Texts whose tokens are counted, and tokens that are timed: enough for a time within a tenth or so.
COUNTED = 1_000
TIMED_TOKENS = 1_024
# Below this gain, calculations that are a little off are a bad bargain.
SPEEDUP = 1.2


def lengths(model: SentenceTransformer, passages: Sequence[str], queries: Sequence[str]) -> Lengths:
    """Count the tokens of up to 1,000 texts of each side, evenly drawn."""
    percentiles = np.percentile(_token_counts(model, "document", passages), range(PERCENTILES), method="higher")
    return Lengths(tuple(map(int, percentiles)), float(_token_counts(model, "query", queries).mean()))


def token_costs(model: SentenceTransformer, texts: Sequence[str], settings: TrainSettings) -> TokenCosts:
    """Train on a few texts, without a step, in each precision that is in question, and return the costs of the faster.

    `settings` say where texts are truncated, the dropout, and the precision, if that is not open.
    """
    from workbench.students.methods.frozen import FrozenLayers
    from workbench.trainer import attention
    from workbench.trainer.batches.collator import input_module
    from workbench.trainer.reading import measured_cost, set_dropout

    limit = {} if settings.max_tokens is None else {"max_length": settings.max_tokens}
    reads: Any = input_module(model, "document")
    few = _few(texts, settings.max_tokens or model.max_seq_length or TIMED_TOKENS)
    features = reads.preprocess(few, task="document", **limit)
    tokens = features["attention_mask"].numel()
    features = {key: value.to(model.device) if hasattr(value, "to") else value for key, value in features.items()}
    set_dropout(model, settings.dropout)
    attention.use_for_training(model)
    frozen = FrozenLayers(model, settings.frozen_layers) if settings.frozen_layers else None
    seconds: dict[Precision, tuple[float, float]] = {}
    for precision in _in_question(settings, str(model.device)):
        encode = _encode(model, precision)
        seconds[precision] = (
            _seconds(partial(_train, model, encode, features), model),
            _seconds(partial(_read, encode, features), model),
        )
    faster: Precision = "float32" if "float32" in seconds else "bfloat16"
    speedup = 0.0
    if len(seconds) == 2:
        speedup = round(seconds["float32"][0] / seconds["bfloat16"][0], 2)
        faster = "bfloat16" if speedup >= SPEEDUP else "float32"
    model.train()
    activations = measured_cost(model, _encode(model, faster), features).token
    model.eval()
    training, reading = seconds[faster]
    stored, stored_bytes = training, 0.0
    if frozen:
        with frozen.left_out():  # the second of two runs finds the outputs that the first has stored
            stored = min(training, _seconds(partial(_train, model, _encode(model, faster), features), model))
        stored_bytes = frozen.bytes_a_token
    return TokenCosts(
        precision=faster,
        seconds=training / tokens,
        reading_seconds=reading / tokens,
        stored_seconds=stored / tokens,
        activations=activations,
        weights=sum(value.nbytes for value in model.parameters()),
        stored_bytes=stored_bytes,
        speedup=speedup,
    )


def _in_question(settings: TrainSettings, device: str) -> Sequence[Precision]:
    if settings.precision != "auto":
        return (settings.precision,)
    return ("float32", "bfloat16") if machine.fast_bfloat16(device) else ("float32",)


def _few(texts: Sequence[str], tokens: int) -> list[str]:
    """Return some of the longest texts, which a step spends most of its time on, at least two."""
    most = max(2, TIMED_TOKENS // tokens)
    return (nlargest(most, texts, key=len) * 2)[:most]


def _encode(model: SentenceTransformer, precision: Precision) -> Callable[[dict[str, Any]], Any]:
    """Return what maps features to a student's outputs, in a precision."""
    import torch

    from workbench.students import architectures

    architecture = architectures.of(model)
    task = {"task": "document"} if architecture.takes_task else {}

    def encode(features: dict[str, Any]) -> Any:
        with torch.autocast(model.device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext():
            return architecture.outputs(model(features, **task))

    return encode


def _train(model: SentenceTransformer, encode: Callable[[dict[str, Any]], Any], features: dict[str, Any]) -> None:
    model.train()
    outputs = encode(dict(features))
    (outputs[0] if isinstance(outputs, tuple) else outputs).float().sum().backward()
    model.zero_grad()
    model.eval()


def _read(encode: Callable[[dict[str, Any]], Any], features: dict[str, Any]) -> None:
    import torch

    with torch.no_grad():
        encode(dict(features))


def _seconds(run: Callable[[], None], model: SentenceTransformer) -> float:
    """Return the seconds of the faster of two runs; the slower one also bears the warming up."""
    import torch

    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        run()
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _token_counts(model: SentenceTransformer, task: str, texts: Sequence[str]) -> np.ndarray[Any, Any]:
    from workbench.trainer.batches.collator import input_module

    sample = texts[:: max(1, len(texts) // COUNTED)][:COUNTED]
    reads: Any = input_module(model, task)
    return np.asarray(reads.preprocess(list(sample), task=task)["attention_mask"].sum(dim=1))
