"""The utility workbench: where similarity and utility disagree, and how to teach one the other.

Every verb is a function of a store; names are looked up late, so that importing this costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.sample import SAMPLE
    from workbench.steps.agreement import annotator_agreement
    from workbench.steps.annotate import annotate, annotate_all, undo
    from workbench.steps.candidates import candidates
    from workbench.steps.diff import diff
    from workbench.steps.evaluate import evaluate
    from workbench.steps.export import export
    from workbench.steps.ingest import IngestSettings, ingest, preview
    from workbench.steps.score import score
    from workbench.steps.train import plan, train
    from workbench.store import Store, views
    from workbench.teachers import teacher
    from workbench.trainer import TrainSettings

_HOMES = {
    "IngestSettings": "workbench.steps.ingest",
    "SAMPLE": "workbench.sample",
    "Store": "workbench.store",
    "TrainSettings": "workbench.trainer",
    "annotate": "workbench.steps.annotate",
    "annotate_all": "workbench.steps.annotate",
    "annotator_agreement": "workbench.steps.agreement",
    "candidates": "workbench.steps.candidates",
    "diff": "workbench.steps.diff",
    "evaluate": "workbench.steps.evaluate",
    "export": "workbench.steps.export",
    "ingest": "workbench.steps.ingest",
    "plan": "workbench.steps.train",
    "preview": "workbench.steps.ingest",
    "score": "workbench.steps.score",
    "teacher": "workbench.teachers",
    "train": "workbench.steps.train",
    "undo": "workbench.steps.annotate",
    "views": "workbench.store",
}

__all__ = [
    "SAMPLE",
    "IngestSettings",
    "Store",
    "TrainSettings",
    "annotate",
    "annotate_all",
    "annotator_agreement",
    "candidates",
    "diff",
    "evaluate",
    "export",
    "ingest",
    "plan",
    "preview",
    "score",
    "teacher",
    "train",
    "undo",
    "views",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Before anything can import torch: an OpenMP that spins slows training eightfold on a busy machine.
    import_module("workbench.engine").prepare()
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
