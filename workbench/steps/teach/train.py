"""Train: distil a teacher's utilities into a student; learn on train, choose on dev, never look at test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from workbench import machine, memory, students, trainer
from workbench.columns.examples import Examples
from workbench.errors import Conflict
from workbench.records import Example, Listener, silent
from workbench.results import Result, counted
from workbench.retrieval.fingerprint import fingerprint
from workbench.retrieval.passage_index import note_index
from workbench.steps.compare.model_card import about
from workbench.steps.data.label_overrides import LabelOverrides
from workbench.steps.data.splits.leaks import Leaks, leak_in_words
from workbench.steps.teach.base_vectors import method_inputs, query_vectors
from workbench.steps.teach.dev_evaluator import dev_evaluator
from workbench.steps.teach.planning.plan import Plan, decisive
from workbench.steps.teach.planning.query_subset import QuerySubset, RangeSubset
from workbench.store import Store, views
from workbench.students import methods
from workbench.students.model_card import origin
from workbench.students.only_training import only_training
from workbench.trainer import Trained, distributed

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class TrainResult(Result):
    """A finished training: the student's name, what it was trained on, and its outcome on dev.

    `leaks` say how many of the dev queries, which chose its best step, share a passage or a wording with train; where
    some do, `trained` has the dev measure of base and student on the others too.
    """

    columns: ClassVar = {
        "step": "steps done",
        "seconds": "seconds of training until then",
        "loss": "mean loss since the row before",
        "learning_rate": "learning rate of the step",
        "entropy": "mean entropy of the teacher's distributions, in nats",
        "effective": "its exponential: how many positives a query comes to",
        "dev": "dev measure, where the student was evaluated",
        "dev_unseen": "the same on the dev queries that train has not seen, where it has seen some",
    }
    student: str
    base: str
    teacher: str
    loss: str
    path: str
    examples: int
    trained: Trained
    label_overrides: LabelOverrides | None = None
    query_subset: QuerySubset | None = None
    leaks: Leaks = field(default_factory=Leaks)
    range_subset: RangeSubset | None = None

    @property
    def unfinished(self) -> bool:
        """Return whether it was stopped before it had anything to show, so that no student was saved."""
        return self.trained.stopped == "asked" and not self.trained.improved

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence or two, a failure as plainly as a success."""
        notes = [part.in_words for part in (self.query_subset, self.range_subset, self.label_overrides) if part]
        if dev := self.leaks.of.get("dev"):
            notes.append(f"{leak_in_words(dev)} There a gain on dev may be memory{self._on_unseen}")
        return self._outcome + "".join(f" {note}." for note in notes)

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return the history."""
        return [[record.get(name) for name in self.columns] for record in self.trained.history]

    @property
    def _on_unseen(self) -> str:
        t = self.trained
        if t.unseen_before is None or t.unseen_after is None:
            return ""
        gain = f"{t.unseen_before:.3f} to {t.unseen_after:.3f} ({t.unseen_after - t.unseen_before:+.3f})"
        return f"; on the unseen ones {t.measure} {gain}"

    @property
    def _outcome(self) -> str:
        t = self.trained
        if self.unfinished:
            return (
                f"{self.student}: a training that was stopped at step {t.steps:,}, after {t.seconds:.0f} s, before an "
                f"evaluation on dev beat the base ({t.measure} {t.dev_before:.3f}). There is no student yet; the same "
                "command goes on from here."
            )
        reasons = {"budget": "its last step or minute", "patience": "no more gain on dev", "asked": "a request to stop"}
        ended = f"{counted(t.steps, 'step')} in {t.seconds:.0f} s, ended by {reasons[t.stopped]}"
        if not t.improved:
            return (
                f"{self.student}: no evaluation on dev beat the base ({t.measure} {t.dev_before:.3f}), so the student "
                f"holds the base's weights. {ended}. Try a lower learning rate, a higher teacher temperature, or check "
                "on the Utility page whether the teacher knows better than the base at all."
            )
        return (
            f"{self.student}: {t.measure} on dev {t.dev_before:.3f} to {t.dev_after:.3f} "
            f"({t.dev_after - t.dev_before:+.3f}), best at step {t.best_step:,}. {ended}."
        )


def train(
    store: Store,
    planned: Plan,
    listen: Listener = silent,
    stop: Callable[[], bool] = lambda: False,
) -> TrainResult:
    """Train the planned student and save it as a folder that sentence-transformers opens.

    Killed at any moment, or stopped, the same plan goes on from its last checkpoint; a finished one is not
    done again, and one that another process is at is waited for. One that was stopped before an evaluation on
    dev beat the base leaves no student. In processes of torchrun or accelerate all must call it, and the main
    one saves.

    Parameters
    ----------
    store : Store
        The workspace.
    planned : Plan
        The student to make, as `wb.plan` returns it.
    listen : Listener
        Called with the progress after each step.
    stop : callable
        Called after each step; True ends the training, which can still go on later.

    Returns
    -------
    TrainResult
        The student, and its dev measure before and after; the frame holds the history.

    Raises
    ------
    BadSetting
        If settings and base do not go together, or the training diverges.
    Conflict
        If there is a student of this name, made by another recipe.
    NothingToDo
        If no dev query has a relevant passage, so that nothing can choose the best step.

    Examples
    --------
    >>> settings = wb.TrainSettings(steps=10, evaluate_every=5, batch_size=4, learning_rate=0.05)
    >>> result = wb.train(store, wb.plan(store, base, "toy", settings))
    >>> result.trained.steps, result.examples
    (10, 8)
    >>> list(result.to_frame()["step"])
    [0, 5, 10]
    """
    work = work_folder(store, planned.name)
    turn = only_training(work, listen, stop) if distributed.is_main() else nullcontext()
    with turn, machine.deterministic(planned.settings.deterministic):
        return _train(store, planned, listen, stop)


def _train(store: Store, planned: Plan, listen: Listener, stop: Callable[[], bool]) -> TrainResult:
    """Train, or return the outcome of a training that was done before."""
    work = work_folder(store, planned.name)
    place = store.students / students.slug(planned.name)
    student = students.read(place) if (place / students.RECIPE).exists() else None
    if student and not (work.exists() and _can_go_on(student)):
        result = _finished(planned, student)
        shutil.rmtree(work, ignore_errors=True)  # still there if the process died between saving and clearing away
        return result
    memory.trim()  # of what reading the examples has left free
    examples = _in_columns(store, planned.examples)
    evaluate = dev_evaluator(store, planned.settings, examples.contents.passages)
    inputs = method_inputs(store, planned.base, examples, planned.settings, listen)
    parts = methods.make(planned.settings.method, inputs)
    trained = trainer.train(
        trainer.TrainingInputs(
            model=parts.model,
            examples=examples,
            collection=examples.contents.passages,
            dev_evaluator=lambda _: evaluate(parts.to_evaluate()),
            settings=planned.settings,
            anchor=parts.anchor,
            query_vectors=query_vectors(store, planned.base, examples, planned.settings, listen),
        ),
        work,
        listen,
        stop,
    )
    result = _result(planned, place, trained)
    if not result.unfinished:
        distributed.broadcast(lambda: _save(store, planned, parts.to_save(), trained))
    return result


def _in_columns(store: Store, examples: Sequence[Example]) -> Examples:
    """Return a plan's examples in columns, as a plan that `wb.plan` made has them."""
    return examples if isinstance(examples, Examples) else Examples.of(examples, views.all_passages(store))


def _save(store: Store, planned: Plan, model: SentenceTransformer, trained: Trained) -> None:
    """Save a student, and clear away what the training needed if it will not go on."""
    work, place = work_folder(store, planned.name), store.students / students.slug(planned.name)
    outcome = {key: value for key, value in asdict(trained).items() if key != "history"}
    recipe = {**planned.recipe, "outcome": outcome, "origin": origin(planned.base)}
    student = students.Student(planned.name, place, planned.base.name, recipe)
    students.save(model, student, [work / "history.jsonl"], overwrite=True, about=about(store, student))
    if index := planned.recipe.get(students.INDEX):
        note_index(store.vectors, fingerprint(place), index)
    if trained.stopped != "asked":
        shutil.rmtree(work, ignore_errors=True)


def _can_go_on(student: students.Student) -> bool:
    outcome: dict[str, Any] = student.recipe.get("outcome", {})
    return outcome.get("stopped") == "asked"


def _finished(planned: Plan, student: students.Student) -> TrainResult:
    """Return the outcome of a training that was done before, if it was this very one."""
    wanted, own = decisive(planned.recipe), decisive(student.recipe)
    if any(own.get(key) != value for key, value in wanted.items()):
        raise Conflict(
            f"There is a student named {planned.name!r} already, made by another recipe.",
            "Give the new one another --name, or none: then its recipe names it.",
        )
    records = tuple(history_in(student.path))
    return _result(planned, student.path, Trained(**student.recipe["outcome"], history=records))


def _result(planned: Plan, path: Path, trained: Trained) -> TrainResult:
    return TrainResult(
        student=planned.name,
        base=planned.base.name,
        teacher=planned.teacher,
        loss=planned.settings.loss,
        path=str(path),
        examples=len(planned.examples),
        trained=trained,
        label_overrides=planned.label_overrides,
        query_subset=planned.query_subset,
        leaks=planned.leaks,
        range_subset=planned.range_subset,
    )


def work_folder(store: Store, name: str) -> Path:
    """Return where a training in progress keeps its checkpoints and history."""
    return store.students / f".training-{students.slug(name)}"


def history(store: Store, name: str) -> list[dict[str, float]]:
    """Return the history of a student, in training or trained; a line that is still being written is left out."""
    for folder in (work_folder(store, name), store.students / students.slug(name)):
        if records := history_in(folder):
            return records
    return []


def history_in(folder: Path) -> list[dict[str, float]]:
    """Return the whole lines of a folder's history.jsonl, none if there is no such file."""
    try:
        lines = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line.endswith("\n")]
