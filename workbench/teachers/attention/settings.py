"""The settings of the attention teacher."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import BadSetting
from workbench.teachers.likelihood.checkpoint import DTYPES


@dataclass(frozen=True)
class AttentionSettings:
    """All that decides the attention teacher's utilities."""

    model: str | Path = field(metadata={"about": "a chat or causal language model, by hub name or folder"})
    calibration: str = field(
        default="N/A", metadata={"about": "the query without content whose attention is taken off"}
    )
    max_tokens: int | None = field(
        default=None, metadata={"about": "the most tokens of passages and query; unless given, the model's limit"}
    )
    max_passage_tokens: int | None = field(default=None, metadata={"about": "the most tokens of a passage"})
    seed: int = field(default=0, metadata={"about": "the seed of the order in which passages stand in the prompt"})
    # In bfloat16 a model of 23 M parameters moved utilities by up to a fifth of their standard deviation.
    dtype: str = field(default="float32", metadata={"about": f"auto, {', '.join(DTYPES)}"})
    device: str = field(default="auto", metadata={"about": "auto, or a device of torch, such as cpu or cuda"})

    def __post_init__(self) -> None:
        if not isinstance(self.calibration, str) or not self.calibration.strip():
            raise BadSetting(f"calibration is {self.calibration!r}.", "It is a text, such as N/A.")
        if self.dtype not in ("auto", *DTYPES):
            raise BadSetting(f"dtype is {self.dtype!r}.", f"It is 'auto' or one of {', '.join(DTYPES)}.")
        for name in ("max_tokens", "max_passage_tokens"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise BadSetting(f"{name} is {value!r}.", "It is a whole number above 0.")
        if type(self.seed) is not int or self.seed < 0:
            raise BadSetting(f"seed is {self.seed!r}.", "It is a whole number, 0 or more.")
