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
    from workbench.steps.contrast import contrast, toward_teacher
    from workbench.steps.diff import diff
    from workbench.steps.differences import Filters, differences, narrowed
    from workbench.steps.evaluate import evaluate
    from workbench.steps.export import ExportSettings, export
    from workbench.steps.ingest import IngestSettings, ingest, preview
    from workbench.steps.plan import plan
    from workbench.steps.push import push
    from workbench.steps.score import score
    from workbench.steps.standings import standings
    from workbench.steps.sweep import sweep
    from workbench.steps.table import table
    from workbench.steps.takeaway import TakeSettings, take
    from workbench.steps.teacher_agreement import AgreementSettings, teacher_agreement
    from workbench.steps.train import train
    from workbench.store import Store, views
    from workbench.teachers import teacher
    from workbench.trainer import Grid, TrainSettings

_HOMES = {
    "AgreementSettings": "workbench.steps.teacher_agreement",
    "ExportSettings": "workbench.steps.export",
    "Filters": "workbench.steps.differences",
    "Grid": "workbench.trainer",
    "IngestSettings": "workbench.steps.ingest",
    "SAMPLE": "workbench.sample",
    "Store": "workbench.store",
    "TakeSettings": "workbench.steps.takeaway",
    "TrainSettings": "workbench.trainer",
    "annotate": "workbench.steps.annotate",
    "annotate_all": "workbench.steps.annotate",
    "annotator_agreement": "workbench.steps.agreement",
    "candidates": "workbench.steps.candidates",
    "contrast": "workbench.steps.contrast",
    "diff": "workbench.steps.diff",
    "differences": "workbench.steps.differences",
    "evaluate": "workbench.steps.evaluate",
    "export": "workbench.steps.export",
    "ingest": "workbench.steps.ingest",
    "narrowed": "workbench.steps.differences",
    "plan": "workbench.steps.plan",
    "preview": "workbench.steps.ingest",
    "push": "workbench.steps.push",
    "score": "workbench.steps.score",
    "standings": "workbench.steps.standings",
    "sweep": "workbench.steps.sweep",
    "table": "workbench.steps.table",
    "take": "workbench.steps.takeaway",
    "teacher": "workbench.teachers",
    "teacher_agreement": "workbench.steps.teacher_agreement",
    "toward_teacher": "workbench.steps.contrast",
    "train": "workbench.steps.train",
    "undo": "workbench.steps.annotate",
    "views": "workbench.store",
}

__all__ = [
    "SAMPLE",
    "AgreementSettings",
    "ExportSettings",
    "Filters",
    "Grid",
    "IngestSettings",
    "Store",
    "TakeSettings",
    "TrainSettings",
    "annotate",
    "annotate_all",
    "annotator_agreement",
    "candidates",
    "contrast",
    "diff",
    "differences",
    "evaluate",
    "export",
    "ingest",
    "narrowed",
    "plan",
    "preview",
    "push",
    "score",
    "standings",
    "sweep",
    "table",
    "take",
    "teacher",
    "teacher_agreement",
    "toward_teacher",
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
