"""What each loss makes of a base: a table of measures and of the agreement with the teacher, over several seeds.

    python -m tests.benchmarks.students BEIR_FOLDER [--workspace FOLDER] [--base STUDENT] [--seeds 13,14,15]

With a workspace that stays, a run that was ended goes on where it was; trainings take most of the time.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import workbench as wb
from tests.benchmarks.machine import told
from workbench.evaluation.significance import Interval, interval
from workbench.records import Progress
from workbench.steps.compare.recipes import Recipe
from workbench.steps.compare.teacher_agreement import TeacherAgreement
from workbench.steps.teach.plan import QRELS

BASE, TEACHER = "static:all-MiniLM-L6-v2", "lexical"
LOSSES = (
    "utility_infonce", "utility_infonce_b", "utility_infonce_c", "utility_infonce_d", "kl", "infonce", "margin_mse",
    "lambda_loss",
)  # fmt: skip
MEASURES = ("R@1", "AP", "nDCG@10")
AGREEMENT = ("KL", "Kendall")


def main(folder: Path, workspace: Path, base: str, seeds: Sequence[int]) -> None:
    """Prepare, train, evaluate, and print the table."""
    store = wb.Store(workspace, create=True)
    wb.ingest(store, "beir", folder)
    wb.candidates(store, base)
    teacher = wb.score(store, wb.teacher(TEACHER)).teacher
    wb.evaluate(store, "bm25")
    for taught_by, losses in ((QRELS, ["infonce"]), (teacher, LOSSES)):
        print(wb.sweep(store, base, taught_by, wb.Grid({"loss": losses}, seeds), listen=_say).in_words, flush=True)
    leaderboard = [wb.leaderboard(store, measure=name, also=MEASURES) for name in MEASURES]
    print(told())
    print("| student | " + " | ".join((*MEASURES, *(f"{kind} to the teacher" for kind in AGREEMENT))) + " |")
    print("|---" * (1 + len(MEASURES) + len(AGREEMENT)) + "|")
    for student in ("bm25", base):
        row = next(each for each in leaderboard[0].students if each.student == student)
        _line(student, [f"{row.measures[name]}" for name in MEASURES], _agreement(store, [student], teacher))
    for recipe in sorted(leaderboard[0].recipes, key=lambda each: (each.teacher == QRELS, each.settings["loss"])):
        same = [next(each for each in found.recipes if each.students == recipe.students) for found in leaderboard]
        name = f"{recipe.settings.get('loss')}, by {recipe.teacher.split(':')[0]}, {len(recipe.seeds)} seeds"
        _line(name, [_cell(each) for each in same], _agreement(store, recipe.students, teacher))


def _cell(recipe: Recipe) -> str:
    found = recipe.comparison
    assert found is not None
    return f"{found.after} ({100 * (found.after.mean / found.before.mean - 1):+.0f} %, p {found.adjusted_p:.4f})"


def _agreement(store: wb.Store, students: Sequence[str], teacher: str) -> list[Interval | str]:
    """Return the agreement with the teacher by kind, of each query the mean over students; BM25 has no cosines."""
    found = [wb.teacher_agreement(store, each, teacher) for each in students]
    return [
        "no cosines" if kind == "KL" and found[0].no_cosine else interval(_means(found, kind)) for kind in AGREEMENT
    ]


def _means(found: Sequence[TeacherAgreement], kind: str) -> list[float]:
    """Return the mean over students for each query of which this kind can be said."""
    said = [{row.query_id: value for row in each.rows if (value := row.after[kind]) is not None} for each in found]
    return [fmean(each[query_id] for each in said) for query_id in said[0] if all(query_id in each for each in said)]


def _line(name: str, measures: Sequence[str], agreement: Sequence[Interval | str]) -> None:
    print("| " + " | ".join((name, *measures, *map(str, agreement))) + " |", flush=True)


def _say(at: Progress) -> None:
    if at.done % 400 == 0:
        print(at.note, flush=True)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--workspace", type=Path)
    asked.add_argument("--base", default=BASE)
    asked.add_argument("--seeds", default="13,14,15")
    given = asked.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    with tempfile.TemporaryDirectory() as place:
        main(given.folder, given.workspace or Path(place), given.base, seeds)
