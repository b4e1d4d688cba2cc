"""The settings of the likelihood teachers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import BadSetting
from workbench.teachers.likelihood.checkpoint import DTYPES
from workbench.teachers.normalisation import Normalisation, check_normalisation
from workbench.teachers.prompts import Template


@dataclass(frozen=True)
class LikelihoodSettings:
    """All that decides the likelihood teacher's utilities, and `token_budget`, which does not beyond rounding."""

    model: str | Path = field(metadata={"about": "a causal language model, by hub name or folder"})
    template: str | Path | Template | Sequence[str | Path | Template] = field(
        default="plain",
        metadata={
            "about": "a prompt template's name, or its TOML or JSON file; of several, between commas, the mean is taken"
        },
    )
    normalisation: Normalisation = field(
        default="mean", metadata={"about": "mean: nats per token of the answer; sum: nats"}
    )
    dtype: str = field(
        default="auto",
        metadata={"about": f"{', '.join(DTYPES)}; auto: bfloat16 where that is quick and differs little, else float32"},
    )
    device: str = field(default="auto", metadata={"about": "auto, or a device of torch, such as cpu or cuda"})
    bos: bool | None = field(
        default=None, metadata={"about": "begin with a BOS token; unless given, as the tokenizer does"}
    )
    max_tokens: int | None = field(
        default=None, metadata={"about": "the most tokens of prompt and answer; unless given, the model's limit"}
    )
    max_passage_tokens: int | None = field(default=None, metadata={"about": "the most tokens of a passage"})
    token_budget: int = field(
        default=8192, metadata={"about": "padded tokens whose keys and values are in memory at once"}
    )

    def __post_init__(self) -> None:
        check_normalisation(self.normalisation)
        if self.dtype not in ("auto", *DTYPES):
            raise BadSetting(f"dtype is {self.dtype!r}.", f"It is 'auto' or one of {', '.join(DTYPES)}.")
        if self.bos not in (None, True, False):
            raise BadSetting(f"bos is {self.bos!r}.", "It is true, false or left out.")
        for name in ("max_tokens", "max_passage_tokens", "token_budget"):
            value = getattr(self, name)
            if not ((type(value) is int and value > 0) or (value is None and name != "token_budget")):
                raise BadSetting(f"{name} is {value!r}.", "It is a whole number above 0.")


@dataclass(frozen=True)
class QueryLikelihoodSettings(LikelihoodSettings):
    """The same for the query's likelihood: its template scores the query."""

    template: str | Path | Template | Sequence[str | Path | Template] = field(
        default="write-question",
        metadata={
            "about": "the name of a prompt template that scores the query, or its TOML or JSON file; of several, "
            "between commas, the mean is taken"
        },
    )
