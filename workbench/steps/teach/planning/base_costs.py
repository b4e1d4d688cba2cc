"""What a base costs on this machine: measured the first time, remembered among the workspace's vectors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from workbench import files, machine, students
from workbench.columns.examples import Examples
from workbench.retrieval import encoder
from workbench.retrieval.fingerprint import fingerprint
from workbench.store import Store, views
from workbench.students import architectures, methods
from workbench.trainer import TrainSettings
from workbench.trainer.base_facts import BaseFacts, Lengths, TokenCosts
from workbench.trainer.probe import lengths, token_costs
from workbench.trainer.resolved import reads_layers

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Measured = TypeVar("Measured", Lengths, TokenCosts)


def base_facts(store: Store, base: students.Student, settings: TrainSettings, examples: Examples) -> BaseFacts:
    """Return what of a base decides settings and costs; a transformer is measured, once a machine and collection.

    What was measured is kept among the workspace's vectors.
    """
    static, method = encoder.is_static(base.path), methods.method(settings.method)
    dense = architectures.architecture(base.path) is architectures.DENSE
    if not reads_layers(settings, static):
        open_rank = settings.rank is None and method.rank is not None and not method.trains_encoder
        return BaseFacts(static, students.load(base).get_embedding_dimension() if open_rank else None, dense=dense)
    if settings.deterministic and settings.precision == "auto":
        settings = replace(settings, precision="float32")
    file = store.vectors / f"{fingerprint(base.path)}-training.json"
    model = _Late(base)
    passages = examples.texts
    queries = [query.text for query in examples.queries]
    key = f"lengths in {views.collection_fingerprint(store)}"
    counted = _remembered(file, key, Lengths, lambda: lengths(model.get(), passages, queries))
    most = settings.max_tokens or counted.most
    how = f"dropout {settings.dropout}, {settings.frozen_layers} layers frozen, {settings.precision}"
    how += ", on one thread" * settings.deterministic
    key = f"costs on {_device()} of {most} tokens, {how}"
    asked = replace(settings, max_tokens=most)
    with machine.deterministic(settings.deterministic):
        costs = _remembered(file, key, TokenCosts, lambda: token_costs(model.get(), passages, asked))
    return BaseFacts(static, lengths=counted, costs=costs, dense=dense)


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


def _remembered(file: Path, key: str, kind: type[Measured], measure: Callable[[], Measured]) -> Measured:
    """Return what a file holds under a key; if it holds nothing of that kind, what is measured now, which is added."""
    try:
        content: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        content = {}
    if not isinstance(content, dict):
        content = {}
    try:
        return kind(**content[key])
    except (KeyError, TypeError, ValueError):  # never measured, or by another version
        measured = measure()
    content[key] = asdict(measured)
    file.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(file, json.dumps(content, indent=1) + "\n")
    return measured
