"""The callback of a training: what is evaluated, saved, mined and reported at each step, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import exp, isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState

from workbench import memory
from workbench.errors import BadSetting
from workbench.records import Progress
from workbench.trainer import distributed
from workbench.trainer.batches import Batches
from workbench.trainer.batches.negatives import mine
from workbench.trainer.checkpoints import CheckpointFolder, TrainingState, load_weights, save_rows, save_weights
from workbench.trainer.settings import DevMeasure, Record, Stopped, Trained
from workbench.trainer.timing import TimingRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from workbench.records import Listener
    from workbench.trainer.batches.collator import Anchor
    from workbench.trainer.objective import Objective
    from workbench.trainer.resolved import ResolvedSettings

# Steps between two lines of the history.
LOG_EVERY = 5


@dataclass(frozen=True)
class TrainingRun:
    """All that the steps of a training need: the model, its batches, its evaluation, its settings, its caller."""

    model: SentenceTransformer
    batches: Batches
    dev_evaluator: Callable[[SentenceTransformer], float | DevMeasure]
    settings: ResolvedSettings
    listen: Listener
    stop: Callable[[], bool]
    anchor: Anchor | None = None


class TrainingCallback(TrainerCallback):
    """Follows the steps: writes the history, has the student evaluated, saves the best weights, ends the training.

    Of several processes each has one; what the main one does and decides reaches the others.
    """

    def __init__(self, run: TrainingRun, folder: CheckpointFolder, objective: Objective, state: TrainingState) -> None:
        self.run, self.folder, self.objective, self.state = run, folder, objective, state
        self.stopped: Stopped | None = self._stopped(state)
        self._began = monotonic() - state.seconds
        self._timings, self._step_began = TimingRecorder(), monotonic()
        self._losses: list[float] = []
        self._entropies: list[float] = []

    def evaluate_base(self) -> None:
        """Evaluate the student that training begins with; it is the best until a later step beats it."""
        self.state = distributed.broadcast(self._evaluate_base)

    def load_negatives(self) -> None:
        """Load the hard negatives that the checkpoint's next steps need; at the very beginning, mine them."""
        for step in self._minings():
            self.run.batches.mined[step] = distributed.broadcast(partial(self._loaded_or_mined, step))

    def on_step_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Tell the objective how far the training is."""
        self.objective.done = state.global_step / self.run.settings.steps
        self._step_began = monotonic()

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write, evaluate, save and end as this step demands."""
        settings, step = self.run.settings, state.global_step
        self._timings.add_step(monotonic() - self._step_began)
        loss = self._gather_losses(step)
        stop, late = distributed.broadcast(lambda: (self.run.stop(), self._is_late(self._seconds())))
        if settings.refresh and step % settings.refresh == 0 and step < settings.steps:
            self._refresh_negatives(step)
        last = stop or late or step >= settings.steps
        if last or step % settings.evaluate_every == 0:
            record = self._record(step, kwargs["lr_scheduler"].get_last_lr()[0])
            self.state = distributed.broadcast(lambda: self._evaluate(record))
            control.should_save = True
            self.stopped = "asked" if stop else self._stopped(self.state)
            control.should_training_stop = self.stopped is not None
        elif step % LOG_EVERY == 0:
            record = self._record(step, kwargs["lr_scheduler"].get_last_lr()[0])
            distributed.broadcast(lambda: self.folder.append(record))
        if distributed.is_main():
            self._report(step, loss)

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Declare the checkpoint whole that was just written, once every process has written its part of it."""
        minings = self._minings() if self.run.settings.refresh else ()
        distributed.barrier()
        distributed.broadcast(lambda: self.folder.complete(self.state, minings))

    def end(self) -> Trained:
        """Put the best weights back and return the outcome; a training that was asked to stop can still go on."""
        load_weights(self.run.model, self.folder.best_weights(self.state.best_step))
        self.run.model.eval()
        return distributed.broadcast(self._outcome)

    def _outcome(self) -> Trained:
        """Return the outcome, and record it if the training will not go on."""
        trained = Trained(
            steps=self.state.step,
            best_step=self.state.best_step,
            dev_before=self.state.dev_before,
            dev_after=self.state.dev_best,
            measure=self.run.settings.measure,
            seconds=round(self.state.seconds, 3),
            stopped=self.stopped or "budget",
            teacher_temperature=self.run.settings.teacher_temperature,
            learning_rate=self.run.settings.learning_rate,
            history=tuple(self.folder.history()),
            unseen_before=self.state.unseen_before,
            unseen_after=self.state.unseen_best,
        )
        if trained.stopped != "asked":
            self.folder.finish(trained)
        return trained

    def _gather_losses(self, step: int) -> float:
        """Take the loss and the entropy of the step's parts, over all processes, and return the loss."""
        parts, self.objective.batch_losses = self.objective.batch_losses, []
        means = [sum(values) / len(parts) for values in zip(*parts, strict=True)]
        loss, entropy = distributed.mean(means, self.run.model.device)
        if not isfinite(loss):
            raise BadSetting(
                f"The loss is {loss} at step {step}: the training has diverged.",
                "Lower the learning rate, or raise the temperatures.",
            )
        self._losses.append(loss)
        self._entropies.append(entropy)
        return loss

    def _evaluate_base(self) -> TrainingState:
        dev = self._dev_measure()
        save_weights(self.run.model, self.folder.best_weights(0))
        self.folder.append({"step": 0, "seconds": round(self._seconds(), 3), **_recorded(dev)})
        state = replace(self.state, seconds=self._seconds(), dev_before=dev.value, dev_best=dev.value)
        return replace(state, unseen_before=dev.unseen, unseen_best=dev.unseen)

    def _evaluate(self, record: Record) -> TrainingState:
        """Evaluate the student at a record's step, save its weights if it is the best so far, return the new state."""
        step, dev = int(record["step"]), self._dev_measure()
        self.folder.append(record | {"seconds": round(self._seconds(), 3), **_recorded(dev)})
        state = replace(self.state, step=step, seconds=self._seconds())
        if dev.value <= state.dev_best:
            return replace(state, without_gain=state.without_gain + 1)
        save_weights(self.run.model, self.folder.best_weights(step))
        return replace(state, best_step=step, dev_best=dev.value, unseen_best=dev.unseen, without_gain=0)

    def _minings(self) -> set[int]:
        """Return after how many steps the hard negatives were mined that the next two steps read."""
        return {self.run.batches.mining_before(self.state.step + ahead) for ahead in (0, 1)}

    def _refresh_negatives(self, step: int) -> None:
        """Mine the hard negatives that later steps read; those of earlier ones are forgotten."""
        batches = self.run.batches
        batches.mined = {at: rows for at, rows in batches.mined.items() if at >= step - batches.settings.refresh}
        batches.mined[step] = distributed.broadcast(lambda: self._mine(step))

    def _mine(self, step: int) -> NDArray[np.int64]:
        """Return the hard negatives of the student as it is now, saved for a resumption."""
        rows = mine(self.run.model, self.run.batches)
        save_rows(rows, self.folder.negatives(step))
        return rows

    def _loaded_or_mined(self, step: int) -> NDArray[np.int64]:
        """Return what was mined after a step, or at the very beginning is to be."""
        file = self.folder.negatives(step)
        return self._mine(0) if step == 0 and not file.exists() else np.load(file)

    def _dev_measure(self) -> DevMeasure:
        """Return the dev measure of the student as it is now."""
        began = monotonic()
        self.run.model.eval()
        with torch.no_grad():
            measured = self.run.dev_evaluator(self.run.model)
        dev = measured if isinstance(measured, DevMeasure) else DevMeasure(float(measured))
        if not isfinite(dev.value):
            raise ValueError(f"The dev_evaluator returned {dev.value} for {self.run.settings.measure}.")
        memory.trim()
        self._timings.add_evaluation(monotonic() - began)
        return dev

    def _stopped(self, state: TrainingState) -> Stopped | None:
        """Return why no further step is due."""
        settings = self.run.settings
        if state.step >= settings.steps:
            return "budget"
        if settings.patience and state.without_gain >= settings.patience:
            return "patience"
        return "budget" if self._is_late(state.seconds) else None

    def _is_late(self, seconds: float) -> bool:
        """Return whether the minutes that were given are over."""
        return self.run.settings.minutes is not None and seconds >= 60 * self.run.settings.minutes

    def _record(self, step: int, learning_rate: float) -> Record:
        """Return the history's line for the steps since the last one."""
        loss, entropy = (sum(values) / len(values) for values in (self._losses, self._entropies))
        self._losses, self._entropies = [], []
        seconds = round(self._seconds(), 3)
        measured = {"loss": loss, "learning_rate": learning_rate, "entropy": entropy, "effective": exp(entropy)}
        halvings = self.objective.reader.halvings
        return {"step": step, "seconds": seconds, **measured, **({"halvings": halvings} if halvings else {})}

    def _report(self, step: int, loss: float) -> None:
        """Tell the listener how far the training is, and how good the student."""
        state, settings = self.state, self.run.settings
        note = (
            f"loss {loss:.3f}; {settings.measure} on dev {state.dev_before:.3f} before, "
            f"best {state.dev_best:.3f} at step {state.best_step}"
        )
        left, timing = self._seconds_left(step), self._timings.timing
        note += f"; {timing.in_words}"
        if left and left < timing.seconds(settings.steps - step, settings.evaluate_every):
            reached = step + timing.steps(left, settings.evaluate_every)
            note += f", {settings.minutes:g} minutes reach step {reached:,}"
        if self.objective.reader.halvings:
            note += f"; memory did not suffice: read in parts of {self.objective.reader.in_words}"
        self.run.listen(Progress("train", step, settings.steps, "steps", note, left))

    def _seconds_left(self, step: int) -> float | None:
        """Return how long the steps and evaluations to come will take, at most what the minutes leave."""
        settings = self.run.settings
        if step >= settings.steps:
            return None
        if self.stopped:
            return 0.0
        left = self._timings.timing.seconds(settings.steps - step, settings.evaluate_every)
        return left if settings.minutes is None else min(left, max(0.0, 60 * settings.minutes - self._seconds()))

    def _seconds(self) -> float:
        """Return the seconds spent on this training, those before a resumption included."""
        return monotonic() - self._began


def _recorded(dev: DevMeasure) -> Record:
    """Return what the history says of an evaluation."""
    return {"dev": dev.value} | ({} if dev.unseen is None else {"dev_unseen": dev.unseen})
