"""What each loss and teacher make of a base: measures and the agreement with the teachers, over several seeds.

    python -m tests.benchmarks.students BEIR_FOLDER [--workspace FOLDER] [--base STUDENT] [--seeds 13,14,15]
        [--methods full,lora] [--losses utility_infonce,infonce] [--set steps=200 ...]
        [--teachers lexical,likelihood] [--model FOLDER] [--template NAME] [--read DEPTH]

`infonce` is trained on the qrels too, to tell what a teacher adds to them. `--model` is the language model of teacher
`likelihood`, and with `--read` answers the test queries from so many passages of each student, both in `--template`.
With a workspace that stays, a run that was ended goes on where it was; trainings take most of the time.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import workbench as wb
from tests.benchmarks.machine import description
from workbench.cli.options import settings
from workbench.evaluation.significance import Interval, interval
from workbench.records import Progress
from workbench.steps.compare.agreement.teacher_agreement import TeacherAgreement
from workbench.steps.compare.recipes import Recipe
from workbench.steps.teach.planning.candidate_fit import QRELS

BASE = "static:all-MiniLM-L6-v2"
LOSSES = (
    "utility_infonce", "utility_infonce_b", "utility_infonce_c", "utility_infonce_d", "kl", "infonce", "margin_mse",
    "lambda_loss",
)  # fmt: skip
DEFAULTS = wb.TrainSettings()
MEASURES = ("R@1", "AP", "nDCG@10")
AGREEMENT = ("KL", "Kendall")


@dataclass(frozen=True)
class Table:
    """What is trained: every method with every loss, teacher and seed, and the settings that all share.

    `model` is a folder, asked in `template` by the teacher likelihood and for reading `depth` passages; 0 reads none.
    """

    base: str
    teachers: Sequence[str]
    model: str
    template: str
    depth: int
    methods: Sequence[str]
    losses: Sequence[str]
    seeds: Sequence[int]
    usual: Mapping[str, Any]

    def grid(self, losses: Sequence[str]) -> wb.Grid:
        """Return the trainings of some losses."""
        return wb.Grid({"method": self.methods, "loss": losses}, self.seeds, self.usual)


def main(folder: Path, workspace: Path, table: Table) -> None:
    """Prepare, train, evaluate, and print the table."""
    store, base = wb.Store(workspace, create=True), table.base
    wb.ingest(store, "beir", folder)
    wb.candidates(store, base)
    teachers = [_score(store, name, table) for name in table.teachers]
    wb.evaluate(store, "bm25")
    for trained_on, losses in ((QRELS, ["infonce"]), *((teacher, table.losses) for teacher in teachers)):
        print(wb.sweep(store, base, trained_on, table.grid(losses), listen=_print_note).in_words, flush=True)
    measures = (*MEASURES, *_read(store, table))
    leaderboard = [wb.leaderboard(store, measure=name, also=measures) for name in measures]
    print(description())
    kinds = [f"{kind} to {teacher.split(':')[0]}" for teacher in teachers for kind in AGREEMENT]
    print("| student | " + " | ".join((*(name.split("(")[0] for name in measures), *kinds)) + " |")
    print("|---" * (1 + len(measures) + len(kinds)) + "|")
    for student in ("bm25", base):
        row = next(row for row in leaderboard[0].students if row.student == student)
        _line(student, [f"{row.measures[name]}" for name in measures], _agreement(store, [student], teachers))
    for recipe in sorted(leaderboard[0].recipes, key=_place):
        same = [next(row for row in board.recipes if row.students == recipe.students) for board in leaderboard]
        trained = f"{_method(recipe)}, {recipe.settings['loss']}"
        name = f"{trained}, by {recipe.teacher}, {len(recipe.seeds)} seeds"
        _line(name, [_cell(row) for row in same], _agreement(store, recipe.students, teachers))


def _score(store: wb.Store, name: str, table: Table) -> str:
    """Ask a teacher about all candidates; return its name in the workspace, and print how long it took."""
    asked = {"model": table.model, "template": table.template} if name == "likelihood" else {}
    scored = wb.score(store, wb.teacher(name, **asked))
    print(scored.in_words, flush=True)
    return scored.teacher


def _read(store: wb.Store, table: Table) -> list[str]:
    """Let the model answer from what each run has first; return the measure of its answers, or none."""
    if not table.depth:
        return []
    reader = wb.reader("completion", model=table.model, template=table.template)
    results = [wb.read(store, row.student, reader, table.depth) for row in wb.leaderboard(store).students]
    for result in results:
        print(result.in_words, flush=True)
    return [next(name for name in results[0].measures if name.startswith("F1"))]


def _place(recipe: Recipe) -> tuple[object, ...]:
    """Return what a recipe is sorted by in the table."""
    return _method(recipe), recipe.teacher == QRELS, recipe.settings["loss"]


def _method(recipe: Recipe) -> str:
    """Return the method of a recipe, which names only what tells it from the others."""
    return str(recipe.settings.get("method", DEFAULTS.method))


def _cell(recipe: Recipe) -> str:
    comparison = recipe.comparison
    assert comparison is not None and recipe.selection_p is not None
    gain = 100 * (comparison.after.mean / comparison.before.mean - 1)
    return f"{comparison.after} ({gain:+.0f} %, p {recipe.selection_p:.4f})"


def _agreement(store: wb.Store, students: Sequence[str], teachers: Sequence[str]) -> list[Interval | str]:
    """Return the agreement with each teacher by kind, of a query the mean over students; BM25 has no cosines."""
    cells: list[Interval | str] = []
    for teacher in teachers:
        agreements = [wb.teacher_agreement(store, student, teacher) for student in students]
        no_cosine = agreements[0].no_cosine
        cells += [
            "no cosines" if kind == "KL" and no_cosine else interval(_means(agreements, kind)) for kind in AGREEMENT
        ]
    return cells


def _means(agreements: Sequence[TeacherAgreement], kind: str) -> list[float]:
    """Return the mean over students for each query that has a value of this kind."""
    values = [{row.query_id: value for row in one.rows if (value := row.after[kind]) is not None} for one in agreements]
    shared = set.intersection(*map(set, values))
    return [fmean(of_student[query_id] for of_student in values) for query_id in values[0] if query_id in shared]


def _line(name: str, measures: Sequence[str], agreement: Sequence[Interval | str]) -> None:
    print("| " + " | ".join((name, *measures, *map(str, agreement))) + " |", flush=True)


def _print_note(at: Progress) -> None:
    if at.done % 400 == 0:
        print(at.note, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--base", default=BASE)
    parser.add_argument("--seeds", default="13,14,15")
    parser.add_argument("--methods", default="full")
    parser.add_argument("--losses", default=",".join(LOSSES))
    parser.add_argument("--set", action="append")
    parser.add_argument("--teachers", default="lexical")
    parser.add_argument("--model", default="")
    parser.add_argument("--template", default="plain")
    parser.add_argument("--read", type=int, default=0)
    arguments = parser.parse_args()
    table = Table(
        base=arguments.base,
        teachers=arguments.teachers.split(","),
        model=arguments.model,
        template=arguments.template,
        depth=arguments.read,
        methods=arguments.methods.split(","),
        losses=arguments.losses.split(","),
        seeds=[int(seed) for seed in arguments.seeds.split(",")],
        usual=settings(arguments.set),
    )
    with tempfile.TemporaryDirectory() as place:
        main(arguments.folder, arguments.workspace or Path(place), table)
