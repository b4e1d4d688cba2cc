"""Several processes at one training, as torchrun or accelerate start them: which is the main, and what all share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

Value = TypeVar("Value")


def world_size() -> int:
    """Return how many processes do this training together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Return whether this process is the one that evaluates, mines, writes and reports."""
    return int(os.environ.get("RANK", "0")) == 0


def broadcast(compute: Callable[[], Value]) -> Value:
    """Return, in every process, what `compute` returns in the main one; the others wait and do not call it.

    An error is raised in all of them: one that went on alone would wait for ever. Called once accelerate has begun.
    """
    if world_size() == 1:
        return compute()
    from accelerate.utils import broadcast_object_list

    outcome: list[tuple[Value | None, Exception | None]] = [(None, None)]
    if is_main():
        try:
            outcome = [(compute(), None)]
        except Exception as error:
            outcome = [(None, error)]
    value, error_in_main = broadcast_object_list(outcome)[0]
    if error_in_main is not None:
        raise error_in_main
    return value  # type: ignore[no-any-return]


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
