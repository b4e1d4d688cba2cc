"""Sweep: train and evaluate many students that differ in their settings, one after another."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from workbench import students
from workbench.errors import BadSetting, Conflict
from workbench.records import Listener, Progress, silent
from workbench.results import Result, counted
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.teach.planning.plan import Plan, labels_in_words, plan
from workbench.steps.teach.train import train
from workbench.store import Store, views
from workbench.trainer import Grid, Trained, TrainSettings, distributed, settings_in_words

NO_SPLIT = "none"


@dataclass(frozen=True)
class Attempt:
    """One student of a sweep: the settings that tell it apart, and its outcome or the `problem` that ended it.

    It was `trained` now, was `existing` from before, or has `failed`.
    """

    student: str
    settings: dict[str, Any]
    state: Literal["trained", "existing", "failed"]
    trained: Trained | None = None
    problem: str = ""

    @property
    def in_words(self) -> str:
        """Return the settings and the outcome."""
        settings = settings_in_words(self.settings)
        if not (outcome := self.trained):
            return f"{settings} failed: {self.problem}"
        return f"{settings}: {outcome.measure} on dev {outcome.dev_before:.3f} to {outcome.dev_after:.3f}"


@dataclass(frozen=True)
class SweepResult(Result):
    """The outcome of a sweep of `planned` students; `stopped` says that a person ended it before the last."""

    columns: ClassVar = {
        "student": "name of the student",
        "settings": "the settings that tell it from the others",
        "state": "trained, existing or failed",
        "measure": "name of the dev measure",
        "dev_before": "dev measure of the base",
        "dev_after": "dev measure of the best step",
        "seconds": "seconds of the training",
        "problem": "why it failed",
    }
    base: str
    teacher: str
    split: str
    planned: int
    attempts: tuple[Attempt, ...]
    stopped: bool

    @property
    def failed(self) -> bool:
        """Return whether every training failed."""
        return bool(self.attempts) and all(attempt.state == "failed" for attempt in self.attempts)

    @property
    def in_words(self) -> str:
        """Return the outcome in a few sentences, every failure with its reason."""
        count = Counter(attempt.state for attempt in self.attempts)
        words = (
            f"{counted(self.planned, 'student')} of {self.base}, trained on {labels_in_words(self.teacher)}: "
            f"{count['trained']:,} trained, {count['existing']:,} were there already, {count['failed']:,} failed"
        )
        if self.stopped:
            words += f"; stopped with {self.planned - len(self.attempts):,} to go, which the same command takes up"
        done = [(attempt.trained.dev_after, attempt) for attempt in self.attempts if attempt.trained]
        if done:
            _, best = max(done, key=lambda pair: pair[0])
            words += f". Best on dev: {best.in_words}. See `workbench students`"
        return " ".join([f"{words}.", *(attempt.in_words for attempt in self.attempts if attempt.problem)])

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return the attempts."""
        for attempt in self.attempts:
            outcome = attempt.trained
            numbers = (outcome.measure, outcome.dev_before, outcome.dev_after, outcome.seconds) if outcome else ()
            settings = settings_in_words(attempt.settings)
            yield (attempt.student, settings, attempt.state, *(numbers or ("", None, None, None)), attempt.problem)


def sweep(  # noqa: PLR0913
    store: Store,
    base: str,
    teacher: str | None,
    grid: Grid,
    split: str = "test",
    listen: Listener = silent,
    stop: Callable[[], bool] = lambda: False,
) -> SweepResult:
    """Train a student for each of a grid's settings, and evaluate them and their base.

    The whole grid is checked before the first training. What was trained or evaluated before is not done again, so a
    sweep that was stopped or killed goes on where it was; a training that diverges, or does not fit into the GPU's
    memory, is recorded with its reason, and the next one begins.

    Parameters
    ----------
    store : Store
        The workspace.
    base : str
        The student to start from, by name or folder.
    teacher : str, optional
        Whose utilities to train on, by name or its beginning; None where there is one teacher alone.
    grid : Grid
        The settings to try, with which seeds.
    split : str
        The split to evaluate on; "none" evaluates nothing.
    listen : Listener
        Called with the progress of the whole sweep.
    stop : callable
        Called before each training and after each step; True ends the sweep, which can still go on later.

    Returns
    -------
    SweepResult
        Each student with its settings and its outcome.

    Raises
    ------
    BadSetting
        If anything in the grid is wrong, the split has no queries, or several processes run.
    NothingToDo
        If there is nothing to learn from.

    Examples
    --------
    >>> grid = wb.Grid({"loss": ["kl", "infonce"]}, seeds=[1], usual={"steps": 4, "batch_size": 4})
    >>> result = wb.sweep(store, base, "toy", grid, split="none")
    >>> [(attempt.settings["loss"], attempt.state) for attempt in result.attempts]
    [('kl', 'trained'), ('infonce', 'trained')]
    """
    if distributed.world_size() > 1:
        raise BadSetting("A sweep runs in one process.", "Start it without torchrun, or train its students one by one.")
    trainings = grid.settings()
    differing = _differing(trainings)
    first = plan(store, base, teacher, trainings[0])
    if split != NO_SPLIT and not views.queries(store, split):
        raise BadSetting(f"The {split} split has no queries.", f"Name another --split, or {NO_SPLIT!r}.")
    steps_before, total = 0, sum(settings.steps for settings in trainings)
    attempts: list[Attempt] = []
    for place, settings in enumerate(trainings, start=1):
        if stop():
            break
        own = {name: getattr(settings, name) for name in differing}
        where = f"{place} of {len(trainings)}: {settings_in_words(own)}"
        report = _ProgressOfSweep(listen, where, steps_before, settings.steps, total)
        report(Progress("train", 0, settings.steps, "steps"))
        # One plan at a time: each holds all the examples.
        attempt = _attempt(store, plan(store, first.base.name, first.teacher, settings), own, report, stop)
        if attempt.trained and attempt.trained.stopped == "asked":
            break
        if attempt.trained and split != NO_SPLIT:
            for name in (first.base.name, attempt.student):
                evaluate_once(store, name, split, report)
        attempts.append(attempt)
        steps_before += settings.steps
    stopped = len(attempts) < len(trainings)
    listen(Progress("sweep", steps_before, total, "steps", f"{len(attempts)} of {len(trainings)} students"))
    return SweepResult(first.base.name, first.teacher, split, len(trainings), tuple(attempts), stopped)


@dataclass(frozen=True)
class _ProgressOfSweep:
    """A listener that reports the progress of one training as part of the whole sweep's."""

    listen: Listener
    where: str
    before: int
    steps: int
    total: int

    def __call__(self, at: Progress) -> None:
        training = at.step == "train"
        note = at.note if training else f"{at.step}, {at.done:,} {at.unit}"
        # The last step lasts until the evaluation is over: what is wholly done would be reported again and again.
        done = self.before + min(at.done if training else self.steps, self.steps - 1)
        self.listen(Progress("sweep", done, self.total, "steps", f"{self.where}; {note}" if note else self.where))


def _attempt(
    store: Store, planned: Plan, settings: dict[str, Any], listen: Listener, stop: Callable[[], bool]
) -> Attempt:
    """Train a planned student, or return why that failed."""
    from torch import OutOfMemoryError

    existing = _is_finished(store, planned.name)
    try:
        trained = train(store, planned, listen, stop).trained
    except (BadSetting, Conflict) as error:
        return Attempt(planned.name, settings, "failed", problem=str(error))
    except OutOfMemoryError:
        problem = "It needs more memory than the GPU has: lower the batch size or the candidates."
        return Attempt(planned.name, settings, "failed", problem=problem)
    finally:
        gc.collect()  # a model and its optimiser hold one another, and the next ones need their room
    return Attempt(planned.name, settings, "existing" if existing else "trained", trained)


def _is_finished(store: Store, name: str) -> bool:
    student = next((student for student in students.trained(store.students) if student.name == name), None)
    return student is not None and student.recipe.get("outcome", {}).get("stopped") != "asked"


def evaluate_once(store: Store, name: str, split: str, listen: Listener) -> None:
    """Evaluate a student unless there is a run of just these weights over just these passages."""
    created = students.find(name, store.students).recipe.get("created")
    for run in views.runs(store, split):
        fresh = not created or run.created >= datetime.fromisoformat(created)
        if run.student == name and fresh and not run.is_stale(views.collection_fingerprint(store)):
            return
    evaluate(store, name, split, listen=listen)


def _differing(trainings: Sequence[TrainSettings]) -> list[str]:
    tables = [asdict(settings) for settings in trainings]
    return [name for name in tables[0] if len({repr(table[name]) for table in tables}) > 1]
