"""Sweep: train and evaluate many students that differ in their settings, one after another."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from workbench import students
from workbench.errors import BadSetting, Conflict
from workbench.records import Listener, Progress, silent
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.teach.plan import Plan, plan
from workbench.steps.teach.train import train
from workbench.store import Store, views
from workbench.trainer import Grid, Trained, TrainSettings, distributed, settings_in_words

NO_SPLIT = "none"


@dataclass(frozen=True)
class Attempt:
    """One student of a sweep: what was tried with it, and its outcome, or the `problem` that ended it.

    It was `trained` now, `held` from before, or has `failed`.
    """

    student: str
    tried: dict[str, Any]
    state: Literal["trained", "held", "failed"]
    trained: Trained | None = None
    problem: str = ""

    @property
    def in_words(self) -> str:
        """Return what was tried, and what came of it."""
        if not self.trained:
            return f"{settings_in_words(self.tried)} failed: {self.problem}"
        done = self.trained
        return f"{settings_in_words(self.tried)}: {done.measure} on dev {done.dev_before:.3f} to {done.dev_after:.3f}"


@dataclass(frozen=True)
class SweepResult:
    """What became of a sweep of `planned` students; `stopped` says that a person ended it before the last."""

    base: str
    teacher: str
    split: str
    planned: int
    attempts: tuple[Attempt, ...]
    stopped: bool

    @property
    def in_words(self) -> str:
        """Return the outcome in a few sentences, every failure with its reason."""
        number = {state: sum(each.state == state for each in self.attempts) for state in ("trained", "held", "failed")}
        words = (
            f"{self.planned:,} students of {self.base}, taught by {self.teacher}: {number['trained']:,} trained, "
            f"{number['held']:,} were there already, {number['failed']:,} failed"
        )
        if self.stopped:
            words += f"; stopped with {self.planned - len(self.attempts):,} to go, which the same command takes up"
        done = [each for each in self.attempts if each.trained]
        best = max(done, key=lambda each: each.trained.dev_after if each.trained else 0.0, default=None)
        words += f". Best on dev: {best.in_words}. See `workbench students`." if best else "."
        return " ".join([words, *(f"{each.in_words}" for each in self.attempts if each.problem)])


def sweep(  # noqa: PLR0913
    store: Store,
    base: str,
    teacher: str | None,
    grid: Grid,
    split: str = "test",
    listen: Listener = silent,
    stop: Callable[[], bool] = lambda: False,
) -> SweepResult:
    """Train a student for each of the grid's settings, and evaluate them and their base on a split ("none": not).

    The whole grid is checked before the first training. What was trained or evaluated before is not done again, so a
    sweep that was stopped or killed goes on where it was; a training that diverges, or does not fit into the GPU's
    memory, is recorded with its reason, and the next one begins.
    """
    if distributed.world_size() > 1:
        raise BadSetting("A sweep runs in one process.", "Start it without torchrun, or train its students one by one.")
    settings = grid.settings()
    differing = _differing(settings)
    first = plan(store, base, teacher, settings[0])
    if split != NO_SPLIT and not views.queries(store, split):
        raise BadSetting(f"The {split} split has no queries.", f"Name another --split, or {NO_SPLIT!r}.")
    begun, total = 0, sum(each.steps for each in settings)
    attempts: list[Attempt] = []
    for place, each in enumerate(settings, start=1):
        if stop():
            break
        tried = {name: getattr(each, name) for name in differing}
        heard = _Heard(listen, f"{place} of {len(settings)}: {settings_in_words(tried)}", begun, each.steps, total)
        heard(Progress("train", 0, each.steps, "steps"))
        # One plan at a time: each holds all the examples.
        attempt = _tried(store, plan(store, first.base.name, first.teacher, each), tried, heard, stop)
        if attempt.trained and attempt.trained.stopped == "asked":
            break
        if attempt.trained and split != NO_SPLIT:
            for name in (first.base.name, attempt.student):
                _evaluated(store, name, split, heard)
        attempts.append(attempt)
        begun += each.steps
    stopped = len(attempts) < len(settings)
    listen(Progress("sweep", begun, total, "steps", f"{len(attempts)} of {len(settings)} students"))
    return SweepResult(first.base.name, first.teacher, split, len(settings), tuple(attempts), stopped)


@dataclass(frozen=True)
class _Heard:
    """A listener that tells the progress of one training as part of the whole sweep's."""

    listen: Listener
    where: str
    before: int
    steps: int
    total: int

    def __call__(self, at: Progress) -> None:
        training = at.step == "train"
        note = at.note if training else f"{at.step}, {at.done:,} {at.unit}"
        # The last step lasts until the evaluation is over: what is wholly done would be said so again and again.
        done = self.before + min(at.done if training else self.steps, self.steps - 1)
        self.listen(Progress("sweep", done, self.total, "steps", f"{self.where}; {note}" if note else self.where))


def _tried(store: Store, planned: Plan, tried: dict[str, Any], listen: Listener, stop: Callable[[], bool]) -> Attempt:
    from torch import OutOfMemoryError

    held = _finished(store, planned.name)
    try:
        outcome = train(store, planned, listen, stop).trained
    except (BadSetting, Conflict) as trouble:
        return Attempt(planned.name, tried, "failed", problem=str(trouble))
    except OutOfMemoryError:
        problem = "It needs more memory than the GPU has: lower the batch size or the candidates."
        return Attempt(planned.name, tried, "failed", problem=problem)
    finally:
        gc.collect()  # a model and its optimiser hold one another, and the next ones need their room
    return Attempt(planned.name, tried, "held" if held else "trained", outcome)


def _finished(store: Store, name: str) -> bool:
    student = next((each for each in students.trained(store.students) if each.name == name), None)
    return student is not None and student.recipe.get("outcome", {}).get("stopped") != "asked"


def _evaluated(store: Store, name: str, split: str, listen: Listener) -> None:
    """Evaluate a student unless there is a run of just these weights over just these passages."""
    student = students.find(name, store.students)
    created = student.recipe.get("created")
    for run in views.runs(store, split):
        fresh = not created or run.created >= datetime.fromisoformat(created)
        if run.student == name and fresh and run.collection == views.collection_fingerprint(store):
            return
    evaluate(store, name, split, listen=listen)


def _differing(settings: Sequence[TrainSettings]) -> list[str]:
    tables = [asdict(each) for each in settings]
    return [name for name in tables[0] if len({repr(table[name]) for table in tables}) > 1]
