"""The trainer: all that is trainable in a student learns from a teacher's utilities; importing it is free of torch."""

from workbench.trainer.grid import Grid, read_values
from workbench.trainer.processes import parted
from workbench.trainer.settings import PRESETS, Trained, TrainSettings, preset
from workbench.trainer.verb import train

__all__ = ["PRESETS", "Grid", "TrainSettings", "Trained", "parted", "preset", "read_values", "train"]
