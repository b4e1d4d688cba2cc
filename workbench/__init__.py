"""The utility workbench: where similarity and utility disagree, and how to teach one the other.

Every verb is a function of a store; names are looked up late, so that importing this costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.sample import SAMPLE
    from workbench.steps.annotate.annotate import annotate, annotate_all, undo
    from workbench.steps.annotate.annotator_agreement import annotator_agreement
    from workbench.steps.compare.compare_runs import compare_runs
    from workbench.steps.compare.diff import diff
    from workbench.steps.compare.evaluate import evaluate
    from workbench.steps.compare.filters import Filters, compared_queries, filtered
    from workbench.steps.compare.leaderboard import leaderboard
    from workbench.steps.compare.rank_similarity import displacement_to_teacher, rank_similarity
    from workbench.steps.compare.teacher_agreement import AgreementSettings, teacher_agreement
    from workbench.steps.data.export import ExportSettings, export
    from workbench.steps.data.ingest import IngestSettings, ingest, preview
    from workbench.steps.ship.export_student import ExportStudentSettings, export_student
    from workbench.steps.ship.push import push
    from workbench.steps.teach.candidates import candidates
    from workbench.steps.teach.plan import plan
    from workbench.steps.teach.score import score
    from workbench.steps.teach.sweep import sweep
    from workbench.steps.teach.train import train
    from workbench.store import Store, views
    from workbench.teachers import teacher
    from workbench.trainer import Grid, TrainSettings

_HOMES = {
    "AgreementSettings": "workbench.steps.compare.teacher_agreement",
    "ExportSettings": "workbench.steps.data.export",
    "Filters": "workbench.steps.compare.filters",
    "Grid": "workbench.trainer",
    "IngestSettings": "workbench.steps.data.ingest",
    "SAMPLE": "workbench.sample",
    "Store": "workbench.store",
    "ExportStudentSettings": "workbench.steps.ship.export_student",
    "TrainSettings": "workbench.trainer",
    "annotate": "workbench.steps.annotate.annotate",
    "annotate_all": "workbench.steps.annotate.annotate",
    "annotator_agreement": "workbench.steps.annotate.annotator_agreement",
    "candidates": "workbench.steps.teach.candidates",
    "rank_similarity": "workbench.steps.compare.rank_similarity",
    "diff": "workbench.steps.compare.diff",
    "compared_queries": "workbench.steps.compare.filters",
    "evaluate": "workbench.steps.compare.evaluate",
    "export": "workbench.steps.data.export",
    "ingest": "workbench.steps.data.ingest",
    "filtered": "workbench.steps.compare.filters",
    "plan": "workbench.steps.teach.plan",
    "preview": "workbench.steps.data.ingest",
    "push": "workbench.steps.ship.push",
    "score": "workbench.steps.teach.score",
    "leaderboard": "workbench.steps.compare.leaderboard",
    "sweep": "workbench.steps.teach.sweep",
    "compare_runs": "workbench.steps.compare.compare_runs",
    "export_student": "workbench.steps.ship.export_student",
    "teacher": "workbench.teachers",
    "teacher_agreement": "workbench.steps.compare.teacher_agreement",
    "displacement_to_teacher": "workbench.steps.compare.rank_similarity",
    "train": "workbench.steps.teach.train",
    "undo": "workbench.steps.annotate.annotate",
    "views": "workbench.store",
}

__all__ = [
    "SAMPLE",
    "AgreementSettings",
    "ExportSettings",
    "ExportStudentSettings",
    "Filters",
    "Grid",
    "IngestSettings",
    "Store",
    "TrainSettings",
    "annotate",
    "annotate_all",
    "annotator_agreement",
    "candidates",
    "compare_runs",
    "compared_queries",
    "diff",
    "displacement_to_teacher",
    "evaluate",
    "export",
    "export_student",
    "filtered",
    "ingest",
    "leaderboard",
    "plan",
    "preview",
    "push",
    "rank_similarity",
    "score",
    "sweep",
    "teacher",
    "teacher_agreement",
    "train",
    "undo",
    "views",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Before anything can import torch: an OpenMP that spins slows training eightfold on a busy machine.
    import_module("workbench.machine").prepare()
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
