"""The callback of a training: what is judged, kept, mined and told at each step, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import exp, isfinite
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState

from workbench.errors import BadSetting
from workbench.records import Progress as Said
from workbench.trainer import distributed
from workbench.trainer.batches import Batches
from workbench.trainer.checkpoints import Folder, Progress, load_weights, save_rows, save_weights
from workbench.trainer.negatives import mine
from workbench.trainer.reading import Anchor, Objective, is_static
from workbench.trainer.settings import Record, Stopped, Trained, TrainSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from workbench.records import Listener

# Steps between two lines of the history.
EVERY = 5


@dataclass(frozen=True)
class TrainingRun:
    """A training to be done: who learns, from what, judged by whom, how, and who is told and asked."""

    model: SentenceTransformer
    batches: Batches
    dev_evaluator: Callable[[SentenceTransformer], float]
    settings: TrainSettings
    listen: Listener
    stop: Callable[[], bool]
    anchor: Anchor | None = None


def default_learning_rate(model: SentenceTransformer) -> float:
    """Return the learning rate that suits a student: rows of a table move far more freely than layers."""
    return 2e-3 if is_static(model) else 3e-5


def uses_bfloat16(work: TrainingRun) -> bool:
    """Return whether a student calculates in bfloat16; a table of vectors has nothing to gain from it."""
    asked, on_gpu = work.settings.precision, work.model.device.type == "cuda"
    half = asked == "bfloat16" or (asked == "auto" and on_gpu and torch.cuda.is_bf16_supported())
    return half and not is_static(work.model)


class TrainingCallback(TrainerCallback):
    """Follows the steps: writes the history, has the student judged, keeps the best weights, ends the training.

    Of several processes each has one; what the leading one does and decides reaches the others.
    """

    def __init__(self, work: TrainingRun, folder: Folder, objective: Objective, progress: Progress) -> None:
        self.work, self.folder, self.objective, self.progress = work, folder, objective, progress
        self.stopped: Stopped | None = self._exhausted(progress)
        self._began = monotonic() - progress.seconds
        self._losses: list[float] = []
        self._entropies: list[float] = []

    def evaluate_base(self) -> None:
        """Judge the student as it came; it is the best until a later step beats it."""
        self.progress = distributed.broadcast(self._evaluate_base)

    def recall(self) -> None:
        """Read the hard negatives again that the checkpoint's next steps need; at the very beginning, mine them."""
        for step in self._minings():
            self.work.batches.mined[step] = distributed.broadcast(partial(self._recalled, step))

    def on_step_begin(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Tell the objective how far it is."""
        self.objective.done = state.global_step / self.work.settings.steps

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Write, evaluate, save and end as this step demands."""
        parts, self.objective.batch_losses = self.objective.batch_losses, []
        own = [sum(each) / len(parts) for each in zip(*parts, strict=True)]
        value, entropy = distributed.mean(own, self.work.model.device)
        if not isfinite(value):
            raise BadSetting(
                f"The loss is {value} at step {state.global_step}: the training has diverged.",
                "Lower the learning rate, or raise the temperatures.",
            )
        self._losses.append(value)
        self._entropies.append(entropy)
        settings, step = self.work.settings, state.global_step
        asked, late = distributed.broadcast(lambda: (self.work.stop(), self._late(self._seconds())))
        if settings.refresh and step % settings.refresh == 0 and step < settings.steps:
            self._mine(step)
        last = asked or late or step >= settings.steps
        if last or step % settings.evaluate_every == 0:
            line = self._line(step, kwargs["lr_scheduler"].get_last_lr()[0])
            self.progress = distributed.broadcast(lambda: self._evaluate(line))
            control.should_save = True
            self.stopped = "asked" if asked else self._exhausted(self.progress)
            control.should_training_stop = self.stopped is not None
        elif step % EVERY == 0:
            line = self._line(step, kwargs["lr_scheduler"].get_last_lr()[0])
            distributed.broadcast(lambda: self.folder.write(line))
        if distributed.is_main():
            self._say(step, value)

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Declare the checkpoint whole that was just written, once every process has written its part of it."""
        minings = self._minings() if self.work.settings.refresh else ()
        distributed.barrier()
        distributed.broadcast(lambda: self.folder.complete(self.progress, minings))

    def end(self) -> Trained:
        """Put the best weights back and return the result; a training that was asked to stop can still go on."""
        load_weights(self.work.model, self.folder.best(self.progress.best_step))
        self.work.model.eval()
        return distributed.broadcast(self._ended)

    def _ended(self) -> Trained:
        """Return the result, and record it if the training will not go on."""
        trained = Trained(
            steps=self.progress.step,
            best_step=self.progress.best_step,
            dev_before=self.progress.dev_before,
            dev_after=self.progress.dev_best,
            measure=self.work.settings.measure,
            seconds=round(self.progress.seconds, 3),
            stopped=self.stopped or "budget",
            teacher_temperature=self.objective.teacher_temperature,
            learning_rate=self.work.settings.learning_rate or default_learning_rate(self.work.model),
            history=tuple(self.folder.history()),
        )
        if trained.stopped != "asked":
            self.folder.finish(trained)
        return trained

    def _evaluate_base(self) -> Progress:
        dev = self._evaluated()
        save_weights(self.work.model, self.folder.best(0))
        self.folder.write({"step": 0, "seconds": round(self._seconds(), 3), "dev": dev})
        return replace(self.progress, seconds=self._seconds(), dev_before=dev, dev_best=dev)

    def _evaluate(self, line: Record) -> Progress:
        """Judge the student at a line's step, keep its weights if it is the best so far, and return how far it is."""
        step, dev = int(line["step"]), self._evaluated()
        self.folder.write(line | {"seconds": round(self._seconds(), 3), "dev": dev})
        before = replace(self.progress, step=step, seconds=self._seconds())
        if dev <= before.dev_best:
            return replace(before, misses=before.misses + 1)
        save_weights(self.work.model, self.folder.best(step))
        return replace(before, best_step=step, dev_best=dev, misses=0)

    def _minings(self) -> set[int]:
        """Return after how many steps the hard negatives were mined that the next two steps read."""
        return {self.work.batches.mining_before(self.progress.step + ahead) for ahead in (0, 1)}

    def _mine(self, step: int) -> None:
        """Search for the hard negatives that later steps read; those of earlier ones are forgotten."""
        batches = self.work.batches
        batches.mined = {at: kept for at, kept in batches.mined.items() if at >= step - batches.settings.refresh}
        batches.mined[step] = distributed.broadcast(lambda: self._mined(step))

    def _mined(self, step: int) -> NDArray[np.int64]:
        """Search for the hard negatives of the student as it is now, and keep those for a resumption."""
        rows = mine(self.work.model, self.work.batches, bfloat16=uses_bfloat16(self.work))
        save_rows(rows, self.folder.mined(step))
        return rows

    def _recalled(self, step: int) -> NDArray[np.int64]:
        """Return what was mined after a step, or at the very beginning is to be."""
        kept = self.folder.mined(step)
        return self._mined(0) if step == 0 and not kept.exists() else np.load(kept)

    def _evaluated(self) -> float:
        """Return the dev_evaluator's number for the student as it is now."""
        self.work.model.eval()
        with torch.no_grad():
            dev = float(self.work.dev_evaluator(self.work.model))
        if not isfinite(dev):
            raise ValueError(f"The dev_evaluator returned {dev} for {self.work.settings.measure}.")
        return dev

    def _exhausted(self, progress: Progress) -> Stopped | None:
        """Return why no further step is due."""
        settings = self.work.settings
        if progress.step >= settings.steps:
            return "budget"
        if settings.patience and progress.misses >= settings.patience:
            return "patience"
        return "budget" if self._late(progress.seconds) else None

    def _late(self, seconds: float) -> bool:
        """Return whether the time that was given is over."""
        return self.work.settings.minutes is not None and seconds >= 60 * self.work.settings.minutes

    def _line(self, step: int, rate: float) -> Record:
        """Return the history's line for the steps since the last one."""
        loss, entropy = (sum(each) / len(each) for each in (self._losses, self._entropies))
        self._losses, self._entropies = [], []
        seconds = round(self._seconds(), 3)
        measured = {"loss": loss, "learning_rate": rate, "entropy": entropy, "effective": exp(entropy)}
        return {"step": step, "seconds": seconds, **measured}

    def _say(self, step: int, value: float) -> None:
        """Tell the listener how far it is, and how good."""
        at = self.progress
        note = f"loss {value:.3f}; {self.work.settings.measure} on dev {at.dev_before:.3f} before, "
        note += f"best {at.dev_best:.3f} at step {at.best_step}"
        self.work.listen(Said("train", step, self.work.settings.steps, "steps", note))

    def _seconds(self) -> float:
        """Return the seconds spent on this training, those before a resumption included."""
        return monotonic() - self._began
