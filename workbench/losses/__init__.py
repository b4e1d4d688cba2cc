"""Losses: how far a student's similarities are from a teacher's utilities, as one number."""

from workbench.losses.mixture import Mixture, loss
from workbench.losses.pool import teacher_distribution
from workbench.losses.registry import LOSSES, Loss, Range

__all__ = ["LOSSES", "Loss", "Mixture", "Range", "loss", "teacher_distribution"]
