"""Settings of a few dozen steps, and what tests of training ask of a student."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

from workbench.records import Progress
from workbench.steps.teach.planning.plan import Plan, plan
from workbench.steps.teach.train import TrainResult, train, work_folder
from workbench.store import Store
from workbench.trainer import TrainSettings

QUICK = TrainSettings(
    batch_size=4, candidates=4, negatives=2, steps=30, evaluate_every=10, patience=0, learning_rate=0.05,
    teacher_temperature=0.5,
)  # fmt: skip


def trained(store: Store, untrained: str, settings: TrainSettings = QUICK, name: str = "") -> TrainResult:
    return train(store, plan(store, untrained, "toy", settings, name))


def weights(path: Path | str) -> torch.Tensor:
    """Return the weights of a static student, opened as anybody would open it."""
    embedding: Any = SentenceTransformer(str(path), device="cpu")[0].embedding
    rows: torch.Tensor = embedding.weight
    return rows.detach()


def untimed_history(result: TrainResult) -> list[dict[str, float]]:
    return [record | {"seconds": 0.0} for record in result.trained.history]


def train_until_killed(store: Store, planned: Plan, step: int, delay: float) -> None:
    """Train, and be killed so many seconds after a step; what a child process calls."""

    def die(progress: Progress) -> None:
        if progress.step == "train" and progress.done == step:
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()

    train(store, planned, die)


def wait_for_checkpoint(store: Store, planned: Plan, is_running: Callable[[], bool]) -> None:
    """Wait until a training has written its first checkpoint."""
    deadline = time.monotonic() + 120
    while not list(work_folder(store, planned.name).glob("checkpoint-*/progress.json")):
        assert is_running()
        assert time.monotonic() < deadline
        time.sleep(0.005)
