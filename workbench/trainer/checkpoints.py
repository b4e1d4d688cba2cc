"""The folder of one training: its recipe, its history, its checkpoints and the best weights so far."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench import files
from workbench.errors import Conflict
from workbench.trainer.settings import Record, Trained

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

# Written into a checkpoint last: one without it was cut off while it was written.
COMPLETE = "progress.json"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class TrainingState:
    """How far a training has come at a step; `without_gain` counts the evaluations since the best one."""

    step: int = 0
    seconds: float = 0.0
    dev_before: float = 0.0
    best_step: int = 0
    dev_best: float = 0.0
    without_gain: int = 0
    unseen_before: float | None = None
    unseen_best: float | None = None


class CheckpointFolder:
    """One training on disk: recipe.json, history.jsonl, checkpoint-<step>/, best-<step>.safetensors, trained.json."""

    def __init__(self, path: Path, recipe: dict[str, Any]) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        file = path / "recipe.json"
        if not file.exists():
            files.write_text(file, json.dumps(recipe, indent=1))
        own = json.loads(file.read_text("utf-8"))
        if different := sorted(key for key in own.keys() | recipe.keys() if own.get(key) != recipe.get(key)):
            raise Conflict(
                f"{path} holds another training: {', '.join(different)} differ.",
                "Choose another folder, or delete this one to train anew.",
            )

    def trained(self) -> Trained | None:
        """Return the outcome of a training that has ended."""
        file = self.path / "trained.json"
        if not file.exists():
            return None
        return Trained(**json.loads(file.read_text("utf-8")), history=tuple(self.history()))

    def checkpoint(self) -> tuple[Path, TrainingState] | None:
        """Return the last complete checkpoint; the ones that were cut off are deleted."""
        checkpoints: list[tuple[Path, TrainingState]] = []
        for path in self.path.glob("checkpoint-*"):
            if (path / COMPLETE).exists():
                checkpoints.append((path, TrainingState(**json.loads((path / COMPLETE).read_text("utf-8")))))
            else:
                shutil.rmtree(path)
        return max(checkpoints, key=lambda pair: pair[1].step, default=None)

    def complete(self, state: TrainingState, minings: Collection[int] = ()) -> None:
        """Declare the checkpoint of a step whole; older ones and weights no longer best are then of no more use.

        Of the hard negatives stay those that were mined after these numbers of steps.
        """
        checkpoint = self.path / f"checkpoint-{state.step}"
        files.write_text(checkpoint / COMPLETE, json.dumps(asdict(state)))
        for path in self.path.glob("checkpoint-*"):
            if path != checkpoint:
                shutil.rmtree(path)
        for path in self.path.glob("best-*.safetensors"):
            if path != self.best_weights(state.best_step):
                path.unlink()
        for path in self.path.glob("mined-*.npy"):
            if path not in [self.negatives(step) for step in minings]:
                path.unlink()

    def finish(self, trained: Trained) -> None:
        """Record the end; only recipe, history and the best weights stay."""
        outcome = {key: value for key, value in asdict(trained).items() if key != "history"}
        files.write_text(self.path / "trained.json", json.dumps(outcome))
        for path in self.path.glob("checkpoint-*"):
            shutil.rmtree(path)
        for path in self.path.glob("mined-*.npy"):
            path.unlink()

    def negatives(self, step: int) -> Path:
        """Return the file of the hard negatives that were mined after so many steps."""
        return self.path / f"mined-{step}.npy"

    def best_weights(self, step: int) -> Path:
        """Return the file of the weights of a step that was the best when it was evaluated."""
        return self.path / f"best-{step}.safetensors"

    def history(self) -> list[Record]:
        """Return the history's lines; a last one that was cut off is left out."""
        file = self.path / "history.jsonl"
        lines = file.read_text("utf-8").splitlines(keepends=True) if file.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def rewind(self, step: int) -> None:
        """Delete what the history says about steps that will be done again."""
        lines = [json.dumps(record) + "\n" for record in self.history() if record["step"] <= step]
        files.write_text(self.path / "history.jsonl", "".join(lines))

    def append(self, record: Record) -> None:
        """Append a line to the history at once, for those who watch the file grow."""
        with (self.path / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the parameters that training changes."""
    from safetensors.torch import save_file

    weights = {name: value.detach().contiguous() for name, value in model.named_parameters() if value.requires_grad}
    with files.aside(path) as draft:
        save_file(weights, draft)


def load_weights(model: nn.Module, path: Path) -> None:
    """Read what save_weights wrote into the same model."""
    from safetensors.torch import load_file
    from torch import no_grad

    weights = load_file(path)
    with no_grad():
        for name, value in model.named_parameters():
            if value.requires_grad:
                value.copy_(weights[name])


def save_rows(rows: NDArray[np.int64], path: Path) -> None:
    """Write an array."""
    with files.stream(path) as file:
        np.save(file, rows)
