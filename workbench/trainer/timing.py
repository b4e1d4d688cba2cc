"""How long a training takes: seconds a step and an evaluation, before it from a probe, during it from its own steps."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.progress import duration


@dataclass(frozen=True)
class Timing:
    """Seconds of a step and of an evaluation on dev."""

    step: float
    evaluation: float

    def seconds(self, steps: int, evaluate_every: int) -> float:
        """Return the seconds of so many steps, with the evaluations among them and after the last."""
        return steps * self.step - (-steps // evaluate_every) * self.evaluation

    def steps(self, seconds: float, evaluate_every: int) -> int:
        """Return how many steps, with the evaluations among them, these seconds are enough for."""
        return max(0, int(seconds / max(self.step + self.evaluation / evaluate_every, 1e-6)))

    @property
    def in_words(self) -> str:
        """Return both."""
        return f"{duration(self.step, 1)} a step, {duration(self.evaluation, 1)} an evaluation"


class TimingRecorder:
    """Adds up the seconds of a training's steps and of its evaluations."""

    def __init__(self) -> None:
        self._steps, self._step_seconds = 0, 0.0
        self._evaluations, self._evaluation_seconds = 0, 0.0

    def add_step(self, seconds: float) -> None:
        """Count a step."""
        self._steps, self._step_seconds = self._steps + 1, self._step_seconds + seconds

    def add_evaluation(self, seconds: float) -> None:
        """Count an evaluation."""
        self._evaluations, self._evaluation_seconds = self._evaluations + 1, self._evaluation_seconds + seconds

    @property
    def timing(self) -> Timing:
        """Return the means so far, 0 of what there was none of."""
        return Timing(self._step_seconds / max(self._steps, 1), self._evaluation_seconds / max(self._evaluations, 1))
