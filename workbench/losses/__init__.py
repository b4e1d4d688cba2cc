"""Losses: how far a student's similarities are from a teacher's utilities, as one number."""

from workbench.losses.mixture import Mixture, loss
from workbench.losses.names import LOSSES, Loss, meaning
from workbench.losses.rows import teacher_distribution

__all__ = ["LOSSES", "Loss", "Mixture", "loss", "meaning", "teacher_distribution"]
