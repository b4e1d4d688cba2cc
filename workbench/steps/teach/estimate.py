"""What a training will take: a base measured once on this machine, and seconds and memory calculated from that."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import files, machine, memory, students
from workbench.progress import duration
from workbench.records import Example
from workbench.retrieval import encoder
from workbench.steps.teach.dev_evaluator import EXHAUSTIVE_PASSAGES
from workbench.store import Store, views
from workbench.students import architectures, methods
from workbench.trainer import ResolvedSettings, TrainSettings
from workbench.trainer.base_facts import BaseFacts, Lengths, TokenCosts
from workbench.trainer.probe import lengths, token_costs
from workbench.trainer.resolved import reads_layers
from workbench.trainer.timing import Timing

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Interpreter and libraries, before any model: measured with torch on a CPU.
LIBRARIES = 0.6 * 2**30
# Of each weight there are, besides itself, a gradient and Adam's two moments.
COPIES = 4


@dataclass(frozen=True)
class Estimate:
    """What a training will take on this machine: its peak memory in bytes, and its time."""

    memory: float
    timing: Timing

    def in_words(self, settings: ResolvedSettings) -> str:
        """Return the estimate for a training's settings; the base is evaluated before the first step."""
        timing, every = self.timing, settings.evaluate_every
        whole = timing.evaluation + timing.seconds(settings.steps, every)
        sentence = (
            f"about {memory.in_words(self.memory)} of memory; {timing.in_words}, so {settings.steps:,} steps take "
            f"{duration(whole)}"
        )
        if settings.minutes is None or whole <= 60 * settings.minutes:
            return sentence
        reached = timing.steps(60 * settings.minutes - timing.evaluation, every)
        return f"{sentence}, and {settings.minutes:g} minutes reach step {reached:,}"


def base_facts(store: Store, base: students.Student, settings: TrainSettings, examples: Sequence[Example]) -> BaseFacts:
    """Return what of a base decides settings and costs; a transformer is measured, once a machine and collection.

    What was measured is kept among the workspace's vectors.
    """
    static, method = encoder.is_static(base.path), methods.method(settings.method)
    dense = architectures.architecture(base.path) is architectures.DENSE
    if not reads_layers(settings, static):
        open_rank = settings.rank is None and method.rank is not None and not method.trains_encoder
        return BaseFacts(static, students.load(base).get_embedding_dimension() if open_rank else None, dense=dense)
    file = store.vectors / f"{encoder.fingerprint(base.path)}-training.json"
    model = _Late(base)
    passages = list(dict.fromkeys(passage.content for example in examples for passage in example.passages))
    queries = [example.query.text for example in examples]
    key = f"lengths in {views.collection_fingerprint(store)}"
    stored = _remembered(file, key, lambda: asdict(lengths(model.get(), passages, queries)))
    counted = Lengths(tuple(stored["passages"]), stored["queries"])
    most = settings.max_tokens or counted.most
    how = f"dropout {settings.dropout}, {settings.frozen_layers} layers frozen, {settings.precision}"
    key = f"costs on {_device()} of {most} tokens, {how}"
    asked = replace(settings, max_tokens=most)
    costs = _remembered(file, key, lambda: asdict(token_costs(model.get(), passages, asked)))
    return BaseFacts(static, lengths=counted, costs=TokenCosts(**costs), dense=dense)


def estimate(
    store: Store, facts: BaseFacts, settings: ResolvedSettings, examples: Sequence[Example]
) -> Estimate | None:
    """Return what a training will take; None for a student without layers, whose steps take milliseconds."""
    costs, counted = facts.costs, facts.lengths
    if costs is None or counted is None:
        return None
    from workbench.trainer.reading import MOST_KEPT_ON_CPU, PART_TOKENS, SHARE

    passage_tokens = counted.mean(settings.max_tokens)
    reads_passages = methods.method(settings.method).base_vectors != methods.PASSAGES
    tokens = settings.batch_size * counted.queries
    tokens += reads_passages * passage_tokens * _passages_a_step(settings, examples)
    activations = tokens * costs.activations
    kept = min(activations, SHARE * memory.free(machine.best_device()))
    part = min(tokens, PART_TOKENS["cpu"]) * costs.activations
    if machine.best_device() == "cpu":
        kept = min(kept, MOST_KEPT_ON_CPU)
    counts = views.counts(store)
    dev = next((split for split in counts.splits if split.split == "dev"), None)
    ranked = counts.passages
    if ranked > EXHAUSTIVE_PASSAGES and dev is not None:
        ranked = min(ranked, dev.candidates)
    read = counted.queries * (dev.judged if dev else 0) + reads_passages * ranked * counted.mean(None)
    return Estimate(
        memory=LIBRARIES + COPIES * costs.weights + kept + part,
        timing=Timing(
            step=tokens * costs.seconds + tokens * costs.reading_seconds * (1 - kept / max(activations, 1.0)),
            evaluation=read * costs.reading_seconds,
        ),
    )


def _passages_a_step(settings: ResolvedSettings, examples: Sequence[Example]) -> int:
    """Return how many distinct passages a step reads: those of a batch drawn at random."""
    batch = random.Random(settings.seed).choices(examples, k=settings.batch_size)
    candidates = {passage.passage_id for example in batch for passage in example.passages[: settings.candidates]}
    return len(candidates) + settings.batch_size * settings.negatives


class _Late:
    """A base that is loaded when it is first asked for."""

    def __init__(self, base: students.Student) -> None:
        self._base = base
        self._model: SentenceTransformer | None = None

    def get(self) -> SentenceTransformer:
        """Return the model."""
        if self._model is None:
            self._model = students.load(self._base)
        return self._model


def _device() -> str:
    device = machine.best_device()
    if device == "cpu":
        return f"{machine.cpu_name()}, {machine.cores()} cores"
    import torch

    return str(torch.cuda.get_device_name())


def _remembered(file: Path, key: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what a file holds under a key; if it holds nothing, what is measured now, which is added to it."""
    try:
        content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        content = {}
    if key not in content:
        content[key] = measure()
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(file, json.dumps(content, indent=1) + "\n")
    value: dict[str, Any] = content[key]
    return value
