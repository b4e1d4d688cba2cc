"""Several processes at one training, as torchrun or accelerate start them: who is_main, and what all of them share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import lcm
from typing import TYPE_CHECKING, TypeVar

from workbench.trainer.settings import TrainSettings

if TYPE_CHECKING:
    import torch

Answer = TypeVar("Answer")


def world_size() -> int:
    """Return how many processes do this training together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Return whether this process is the one that judges, mines, writes and speaks."""
    return int(os.environ.get("RANK", "0")) == 0


def shard(settings: TrainSettings) -> TrainSettings:
    """Return settings with as many parts of a batch that each process has equally many.

    Raises BadSetting where the batch does not split so.
    """
    return replace(settings, accumulate=lcm(settings.accumulate, world_size()))


def broadcast(ask: Callable[[], Answer]) -> Answer:
    """Return, in every process, what `ask` returns in the leading one; the others do not ask, and wait.

    An error is raised in all of them: one that went on alone would wait for ever. Called once accelerate has begun.
    """
    if world_size() == 1:
        return ask()
    from accelerate.utils import broadcast_object_list

    told: list[tuple[Answer | None, Exception | None]] = [(None, None)]
    if is_main():
        try:
            told = [(ask(), None)]
        except Exception as problem:
            told = [(None, problem)]
    answer, trouble = broadcast_object_list(told)[0]
    if trouble is not None:
        raise trouble
    return answer  # type: ignore[no-any-return]


def barrier() -> None:
    """Let every process come to this point before any goes on."""
    if world_size() > 1:
        from accelerate.utils import wait_for_everyone

        wait_for_everyone()


def mean(values: Sequence[float], device: torch.device) -> list[float]:
    """Return the means of numbers over the processes, in every process."""
    if world_size() == 1:
        return list(values)
    import torch
    from accelerate.utils import reduce

    return [float(value) for value in reduce(torch.tensor(values, device=device), "mean")]
