"""Settings with nothing left open: resolved once, before a training, and read by all that comes after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from math import lcm
from typing import Any, Literal

import numpy as np

from workbench import machine
from workbench.errors import NothingToDo
from workbench.records import Example
from workbench.students import methods
from workbench.students.methods import Method
from workbench.trainer.distributed import world_size
from workbench.trainer.settings import TrainSettings

# Rows of a table move far more freely than layers do.
STATIC_LEARNING_RATE = 2e-3
LEARNING_RATE = 3e-5


@dataclass(frozen=True)
class ResolvedSettings(TrainSettings):
    """Settings of a training with a number wherever one is used.

    `rank` is None for a method without one alone; `minutes`, `max_tokens` and `chunk` None set no limit. `accumulate`
    is a multiple of the processes that train.
    """

    teacher_temperature: float = field(kw_only=True)
    learning_rate: float = field(kw_only=True)
    precision: Literal["float32", "bfloat16"] = field(kw_only=True)

    def beyond(self, asked: TrainSettings) -> dict[str, Any]:
        """Return the settings that are not as they were asked for: what was left open, and parts of a batch."""
        names = [setting.name for setting in fields(TrainSettings)]
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(asked, name)}


def resolve(
    settings: TrainSettings, examples: Iterable[Example], *, static: bool, dimension: int | None = None
) -> ResolvedSettings:
    """Return settings with all that was left open decided by the examples, the base, the method and the machine.

    `static` says whether the base is a table of token vectors, `dimension` how long its vectors are: a low-rank change
    of vectors has no higher rank. Raises BadSetting where a batch does not split into equal parts for every process,
    NothingToDo where no temperature suits the utilities.
    """
    method = methods.method(settings.method)
    resolved: dict[str, Any] = {setting.name: getattr(settings, setting.name) for setting in fields(TrainSettings)}
    if settings.teacher_temperature is None:
        resolved["teacher_temperature"] = natural_temperature(examples)
    if settings.learning_rate is None:
        resolved["learning_rate"] = method.rate(static) or (STATIC_LEARNING_RATE if static else LEARNING_RATE)
    if settings.rank is None:
        resolved["rank"] = method.default_rank(dimension)
    resolved["precision"] = _precision(settings, method, static)
    resolved["accumulate"] = lcm(settings.accumulate, world_size())
    return ResolvedSettings(**resolved)


def natural_temperature(examples: Iterable[Example]) -> float:
    """Return the median over queries of the standard deviation of their utilities.

    Divided by it, a softmax over candidates leaves a few effective positives whatever the teacher's unit is. Queries
    whose candidates are all equally useful tell nothing about the unit. Raises NothingToDo where all are such.
    """
    deviations = [float(np.std(example.utilities)) for example in examples if example.utilities]
    if not (positive := [deviation for deviation in deviations if deviation > 0]):
        raise NothingToDo("There is nothing to learn from: the teacher finds all candidates of a query equally useful.")
    return float(np.median(positive))


def _precision(settings: TrainSettings, method: Method, static: bool) -> str:
    """Return the precision that layers calculate in; a table of vectors has none and gains nothing from bfloat16."""
    if method.trains_encoder and static:
        return "float32"
    if settings.precision != "auto":
        return settings.precision
    return "bfloat16" if method.trains_encoder and machine.fast_bfloat16(machine.best_device()) else "float32"
