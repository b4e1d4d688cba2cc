"""The settings of the judge teacher."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from workbench.errors import BadSetting
from workbench.records import Unit
from workbench.teachers.endpoint.settings import ServerOptions, ServerSettings, check_address
from workbench.teachers.likelihood.checkpoint import DTYPES

Form = Literal["pointwise", "listwise", "pairwise", "first", "selection"]
Comparisons = Literal["heapsort", "sliding", "all_pairs"]
UNITS: dict[Form, Unit] = {
    "pointwise": "grade",
    "listwise": "probability",
    "pairwise": "probability",
    "first": "logit",
    "selection": "probability",
}
# Over how many orders a form is asked unless told, as in its paper; one is the retriever's, several are shuffled.
SAMPLES: dict[Form, int] = {"listwise": 5, "first": 1, "selection": 1}
MOST_LABELS = 26  # `first` labels passages A to Z


@dataclass(frozen=True)
class JudgeSettings(ServerOptions):
    """All that decides the judge's utilities, and `prompts_at_once` and the options of a server, which do not."""

    model: str | Path = field(
        metadata={"about": "a chat or causal language model, by hub name or folder; with `url`, by its name there"}
    )
    form: Form = field(
        default="pointwise",
        metadata={
            "about": "pointwise: grades 0 to 3; listwise: selections from lists; pairwise: comparisons of "
            "two; first: the first token over labels; selection: a sliding window with pseudo-answers"
        },
    )
    prompt: str | Path = field(default="", metadata={"about": "a prompt's TOML file; unless given, the form's own"})
    expected: bool = field(
        default=True,
        metadata={"about": "pointwise: the expected grade where probabilities are known, else the written one"},
    )
    comparisons: Comparisons = field(
        default="heapsort", metadata={"about": f"pairwise: {', '.join(get_args(Comparisons))}"}
    )
    passes: int = field(default=10, metadata={"about": "pairwise, sliding: how many of the best are brought in order"})
    samples: int | None = field(
        default=None,
        metadata={
            "about": "listwise, first, selection: orders to ask, one the retriever's, several shuffled; unless given, "
            "5, 1 and 1"
        },
    )
    window: int = field(default=20, metadata={"about": "listwise, first, selection: the most passages in one prompt"})
    stride: int = field(default=10, metadata={"about": "selection: the least new passages in each window"})
    max_passage_words: int | None = field(default=None, metadata={"about": "the most words of a passage's text"})
    seed: int = field(default=0, metadata={"about": "the seed of shuffled orders and of sampled replies"})
    dtype: str = field(default="auto", metadata={"about": f"auto, {', '.join(DTYPES)}"})
    device: str = field(default="auto", metadata={"about": "auto, or a device of torch, such as cpu or cuda"})
    prompts_at_once: int = field(
        default=64, metadata={"about": "prompts that are under way together; these are lost when it is stopped"}
    )
    url: str = field(
        default="",
        metadata={"about": "a chat server's address, such as http://127.0.0.1:8000/v1; unless given, this machine"},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_server()
        for name, allowed in (("form", get_args(Form)), ("comparisons", get_args(Comparisons))):
            if getattr(self, name) not in allowed:
                raise BadSetting(f"{name} is {getattr(self, name)!r}.", f"It is one of {', '.join(allowed)}.")
        if type(self.expected) is not bool:
            raise BadSetting(f"expected is {self.expected!r}.", "It is true or false.")
        if self.dtype not in ("auto", *DTYPES):
            raise BadSetting(f"dtype is {self.dtype!r}.", f"It is 'auto' or one of {', '.join(DTYPES)}.")
        limits = {"passes": 1, "samples": 1, "window": 3, "stride": 1, "max_passage_words": 1, "seed": 0}
        for name, least in (limits | {"prompts_at_once": 1}).items():
            value = getattr(self, name)
            if value is None and name in ("samples", "max_passage_words"):
                continue
            if type(value) is not int or value < least:
                raise BadSetting(f"{name} is {value!r}.", f"It is a whole number, {least} or more.")
        if self.form == "selection" and self.stride > self.window:
            raise BadSetting(f"stride is {self.stride}, window {self.window}.", "A window cannot pass over passages.")
        if self.form == "first" and self.window > MOST_LABELS:
            raise BadSetting(f"window is {self.window}.", f"There are {MOST_LABELS} letters to label passages with.")

    def _check_server(self) -> None:
        if self.url:
            check_address(self.url, self.allow_http)

    @property
    def server(self) -> ServerSettings:
        """Return the settings of the server at `url`."""
        options = {field.name: getattr(self, field.name) for field in fields(ServerOptions)}
        return ServerSettings(self.url, str(self.model), **options)

    @property
    def orders(self) -> int:
        """Return over how many orders a query is asked."""
        return self.samples or SAMPLES.get(self.form, 1)

    @property
    def shuffled(self) -> bool:
        """Return whether orders are shuffled; else there is one, the retriever's."""
        return self.orders > 1 or (self.form == "pairwise" and self.comparisons == "all_pairs")

    @property
    def recipe(self) -> str:
        """Return the form's own settings as one word, as they stand in the teacher's name."""
        if self.form == "pointwise":
            return "expected" if self.expected else "written"
        if self.form == "pairwise":
            passes = str(self.passes) if self.comparisons == "sliding" else ""
            return f"{self.comparisons}{passes}{'' if self.shuffled else '-ranked'}-seed{self.seed}"
        stride = f"-stride{self.stride}" if self.form == "selection" else ""
        return f"{f'k{self.orders}' if self.shuffled else 'ranked'}-window{self.window}{stride}-seed{self.seed}"
