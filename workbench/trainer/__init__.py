"""The trainer: a student learns from a teacher's utilities; importing it is free of torch."""

from workbench.trainer.base_facts import BaseFacts
from workbench.trainer.grid import Grid, read_values
from workbench.trainer.resolved import ResolvedSettings, natural_temperature, resolve
from workbench.trainer.settings import (
    PRESETS,
    DevMeasure,
    Trained,
    TrainSettings,
    preset,
    settings_in_words,
    settings_used,
)
from workbench.trainer.timing import Timing
from workbench.trainer.train import TrainingInputs, train

__all__ = [
    "PRESETS",
    "BaseFacts",
    "DevMeasure",
    "Grid",
    "ResolvedSettings",
    "Timing",
    "TrainSettings",
    "Trained",
    "TrainingInputs",
    "natural_temperature",
    "preset",
    "read_values",
    "resolve",
    "settings_in_words",
    "settings_used",
    "train",
]
