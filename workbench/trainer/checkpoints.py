"""The folder of one training: its recipe, its history, its checkpoints and the best weights so far."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import Conflict
from workbench.trainer.settings import Record, Trained

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

# Written into a checkpoint last: one without it was cut off while it was written.
COMPLETE = "progress.json"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Progress:
    """How far a training has come at a step; `misses` are the judgements since the best one."""

    step: int = 0
    seconds: float = 0.0
    dev_before: float = 0.0
    best_step: int = 0
    dev_best: float = 0.0
    misses: int = 0


class Folder:
    """Keeps one training: recipe.json, history.jsonl, checkpoint-<step>/, best-<step>.safetensors, trained.json."""

    def __init__(self, path: Path, recipe: dict[str, Any]) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        kept = path / "recipe.json"
        if not kept.exists():
            _replace(kept, json.dumps(recipe, indent=1))
        held = json.loads(kept.read_text("utf-8"))
        if different := sorted(key for key in held.keys() | recipe.keys() if held.get(key) != recipe.get(key)):
            raise Conflict(
                f"{path} holds another training: {', '.join(different)} differ.",
                "Choose another folder, or delete this one to train anew.",
            )

    def trained(self) -> Trained | None:
        """Return what a training that has ended came to."""
        file = self.path / "trained.json"
        if not file.exists():
            return None
        return Trained(**json.loads(file.read_text("utf-8")), history=tuple(self.history()))

    def checkpoint(self) -> tuple[Path, Progress] | None:
        """Return the last complete checkpoint; the ones that were cut off are deleted."""
        found: list[tuple[Path, Progress]] = []
        for path in self.path.glob("checkpoint-*"):
            if (path / COMPLETE).exists():
                found.append((path, Progress(**json.loads((path / COMPLETE).read_text("utf-8")))))
            else:
                shutil.rmtree(path)
        return max(found, key=lambda pair: pair[1].step, default=None)

    def complete(self, progress: Progress, mined: Collection[int] = ()) -> None:
        """Declare the checkpoint of a step whole; older ones and weights no longer best are then of no more use.

        Of what was mined stays what was after these numbers of steps.
        """
        whole = self.path / f"checkpoint-{progress.step}"
        _replace(whole / COMPLETE, json.dumps(asdict(progress)))
        for path in self.path.glob("checkpoint-*"):
            if path != whole:
                shutil.rmtree(path)
        for path in self.path.glob("best-*.safetensors*"):
            if path != self.best(progress.best_step):
                path.unlink()
        for path in self.path.glob("mined-*.npy*"):
            if path not in [self.mined(step) for step in mined]:
                path.unlink()

    def finish(self, trained: Trained) -> None:
        """Record the end; only recipe, history and the best weights stay."""
        kept = {key: value for key, value in asdict(trained).items() if key != "history"}
        _replace(self.path / "trained.json", json.dumps(kept))
        for path in self.path.glob("checkpoint-*"):
            shutil.rmtree(path)
        for path in self.path.glob("mined-*.npy*"):
            path.unlink()

    def mined(self, step: int) -> Path:
        """Return where the hard negatives lie that were mined after so many steps."""
        return self.path / f"mined-{step}.npy"

    def best(self, step: int) -> Path:
        """Return where the weights of a step lie that was the best when it was judged."""
        return self.path / f"best-{step}.safetensors"

    def history(self) -> list[Record]:
        """Return the history's lines; a last one that was cut off is left out."""
        file = self.path / "history.jsonl"
        lines = file.read_text("utf-8").splitlines(keepends=True) if file.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def rewind(self, step: int) -> None:
        """Take back what the history says about steps that will be done again."""
        kept = [json.dumps(record) + "\n" for record in self.history() if record["step"] <= step]
        _replace(self.path / "history.jsonl", "".join(kept))

    def write(self, record: Record) -> None:
        """Append a line to the history at once, for those who watch the file grow."""
        with (self.path / "history.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the parameters that training changes; nothing half-written ever carries the path's name."""
    from safetensors.torch import save_file

    part = path.with_name(path.name + ".part")
    learnt = {name: value.detach().contiguous() for name, value in model.named_parameters() if value.requires_grad}
    save_file(learnt, part)
    part.replace(path)


def save_rows(rows: NDArray[np.int64], path: Path) -> None:
    """Write an array; nothing half-written ever carries the path's name."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.save(file, rows)
    part.replace(path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Read what save_weights wrote into the same model."""
    from safetensors.torch import load_file
    from torch import no_grad

    kept = load_file(path)
    with no_grad():
        for name, value in model.named_parameters():
            if value.requires_grad:
                value.copy_(kept[name])


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader, or a crash, finds the old one or the new one."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, "utf-8")
    part.replace(path)
