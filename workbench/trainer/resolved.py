"""Settings with nothing left open: resolved once, before a training, and read by all that comes after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from math import lcm
from typing import Any, Literal

import numpy as np

from workbench import machine
from workbench.columns.examples import utilities_of
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Example
from workbench.students import methods
from workbench.students.methods import Method
from workbench.trainer.base_facts import BaseFacts
from workbench.trainer.distributed import world_size
from workbench.trainer.settings import USUAL_BATCH, TrainSettings

# Rows of a table move far more freely than layers do.
STATIC_LEARNING_RATE = 2e-3
LEARNING_RATE = 6e-5
# Queries a step, scored and random passages a query, and topics a step. A transformer on a CPU reads few passages a
# second: many queries of a topic share them, and a passage that was drawn for one of them counts for all.
USUAL = {"batch_size": USUAL_BATCH, "candidates": 16, "negatives": 4, "topics": 0}
SLOW = {"batch_size": 2 * USUAL_BATCH, "candidates": 2, "negatives": 0, "topics": 2}


@dataclass(frozen=True)
class ResolvedSettings(TrainSettings):
    """Settings of a training with a number wherever one is used.

    `rank` is None for a method without one alone; `minutes` and `max_tokens` None set no limit, `chunk` None leaves
    the parts of a batch to what memory is free. `accumulate` is a multiple of the processes that train.
    """

    batch_size: int = field(kw_only=True)
    candidates: int = field(kw_only=True)
    negatives: int = field(kw_only=True)
    topics: int = field(kw_only=True)

    teacher_temperature: float = field(kw_only=True)
    learning_rate: float = field(kw_only=True)
    precision: Literal["float32", "bfloat16"] = field(kw_only=True)

    @property
    def queries_a_topic(self) -> int:
        """Return how many queries of a topic come at once."""
        return self.batch_size // max(1, self.topics)

    def beyond(self, asked: TrainSettings) -> dict[str, Any]:
        """Return the settings that are not as they were asked for: what was left open, and parts of a batch."""
        names = [setting.name for setting in fields(TrainSettings)]
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(asked, name)}


def resolve(settings: TrainSettings, examples: Iterable[Example], base: BaseFacts) -> ResolvedSettings:
    """Return settings with all that was left open decided by the examples, the base, the method and the machine.

    Raises BadSetting where a batch does not split into equal parts for every process,
    NothingToDo where no temperature suits the utilities.
    """
    method = methods.method(settings.method)
    resolved: dict[str, Any] = {setting.name: getattr(settings, setting.name) for setting in fields(TrainSettings)}
    if settings.teacher_temperature is None:
        resolved["teacher_temperature"] = natural_temperature(examples)
    if settings.learning_rate is None:
        usual = STATIC_LEARNING_RATE if base.static else LEARNING_RATE
        resolved["learning_rate"] = method.rate(base.static) or usual
    if settings.rank is None:
        resolved["rank"] = method.default_rank(base.dimension)
    usual_numbers = _numbers(settings, base)
    resolved |= {name: number for name, number in usual_numbers.items() if resolved[name] is None}
    if resolved["topics"] and not base.dense:
        raise BadSetting(
            "topics is set, but they are clusters of dense vectors, which this base has none of.", "Set 0."
        )
    if settings.max_tokens is None and base.lengths and reads_layers(settings, base.static):
        resolved["max_tokens"] = base.lengths.most
    if not reads_layers(settings, base.static):
        resolved["dropout"] = None  # tables have none
    resolved["precision"] = _precision(settings, method, base)
    resolved["accumulate"] = lcm(settings.accumulate, world_size())
    return ResolvedSettings(**resolved)


def natural_temperature(examples: Iterable[Example]) -> float:
    """Return the median over queries of the standard deviation of their utilities.

    Divided by it, a softmax over candidates leaves a few effective positives whatever the teacher's unit is. Queries
    whose candidates are all equally useful tell nothing about the unit. Raises NothingToDo where all are such.
    """
    deviations = [float(np.std(utilities)) for utilities in utilities_of(examples) if len(utilities)]
    if not (positive := [deviation for deviation in deviations if deviation > 0]):
        raise NothingToDo("There is nothing to learn from: the teacher finds all candidates of a query equally useful.")
    return float(np.median(positive))


def _numbers(settings: TrainSettings, base: BaseFacts) -> dict[str, int]:
    """Return the queries and topics a step and the passages a query that are usual for a base on this machine."""
    slow = reads_layers(settings, base.static) and not machine.best_device().startswith("cuda")
    numbers = dict(SLOW if slow else USUAL)
    if settings.refresh:
        numbers["negatives"] = USUAL["negatives"]
    if settings.candidates is not None:
        numbers["batch_size"] = USUAL_BATCH  # many queries have room where each has few passages
    numbers["topics"] = min(numbers["topics"], settings.batch_size or numbers["batch_size"]) if base.dense else 0
    return numbers


def reads_layers(settings: TrainSettings, static: bool) -> bool:
    """Return whether texts go through a transformer's layers, not through tables of tokens or of finished vectors."""
    return methods.method(settings.method).trains_encoder and not static


def _precision(settings: TrainSettings, method: Method, base: BaseFacts) -> str:
    """Return the precision that layers calculate in; a table of vectors has none and gains nothing from bfloat16."""
    if method.trains_encoder and base.static:
        return "float32"
    if settings.precision != "auto":
        return settings.precision
    if settings.deterministic:  # a measurement may come out in another way the next time
        return "float32"
    if base.costs is not None:
        return base.costs.precision
    return "bfloat16" if method.trains_encoder and machine.fast_bfloat16(machine.best_device()) else "float32"
