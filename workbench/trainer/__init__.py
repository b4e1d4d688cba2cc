"""The trainer: all that is trainable in a student learns from a teacher's utilities; importing it is free of torch."""

from workbench.trainer.distributed import shard
from workbench.trainer.grid import Grid, read_values
from workbench.trainer.settings import PRESETS, Trained, TrainSettings, preset, settings_in_words
from workbench.trainer.train import train

__all__ = [
    "PRESETS",
    "Grid",
    "TrainSettings",
    "Trained",
    "preset",
    "read_values",
    "settings_in_words",
    "shard",
    "train",
]
