"""The settings of a training, and its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any, Literal, NamedTuple

from workbench.errors import BadSetting, UnknownName
from workbench.losses import loss as loss_named

Record = dict[str, float]
# Queries a step where nobody says how many, but for a base that is better off with more of them.
USUAL_BATCH = 32
Stopped = Literal["budget", "patience", "asked"]
PRECISIONS = ("auto", "float32", "bfloat16")

# What numbers are allowed, and how that is said.
_RANGES: Sequence[tuple[str, Callable[[float], bool], str]] = (
    ("batch_size steps evaluate_every accumulate hard candidates chunk rank max_tokens", lambda n: n >= 1, "1 or more"),
    ("patience weight_decay seed refresh negatives topics frozen_layers", lambda n: n >= 0, "0 or more"),
    ("student_temperature teacher_temperature minutes learning_rate", lambda n: n > 0, "above 0"),
    ("warmup curriculum", lambda n: 0 <= n <= 1, "a share of the steps, from 0 to 1"),
    ("dropout", lambda n: 0 <= n < 1, "from 0 to below 1"),
)


@dataclass(frozen=True)
class TrainSettings:
    """How a student is trained; the defaults were chosen on squad_dev's dev split (3,000 queries, lexical teacher).

    A step reads `batch_size` queries, up to `candidates` scored passages of each and `negatives` random passages for
    each. `steps` is the most that is done, `minutes` ends it earlier; every `evaluate_every` steps the student is
    evaluated on dev and saved, and after `patience` evaluations in a row without a gain training stops (0: never).
    `method`, and `rank` where it has one, decide how a base becomes a student: see workbench.students.methods.
    Temperatures divide utilities (in the teacher's unit) and cosines. The learning rate climbs for `warmup` of the
    steps, then stays or falls in a line to 0. `measure` is the name of what the dev evaluator returns.

    What is None or "auto" is left open, and `resolve` settles it: `teacher_temperature` from the utilities,
    `learning_rate` and `rank` from the method and the base, `batch_size`, `candidates`, `negatives` and `topics` from
    the base and the machine, `max_tokens` from the lengths of the passages, `precision` by a measurement. `minutes`
    None sets no limit.

    A batch larger than memory is read in parts, with the gradients of the whole (GradCache, arXiv 2101.06983): of
    `chunk` texts, or of as many as are fast and fit. `accumulate` splits a step's batch in so many equal parts, each
    with the negatives of its own part only. Where several processes train, each has its share of these, and
    `accumulate` is raised to a multiple of their number.

    With `frozen_layers` the embeddings and so many of a transformer's lower layers are not trained; what they make
    of a text is computed once, without dropout, where the model is built like BERT. `dropout` is the share of a
    transformer's activations that training leaves out, None that of the base. Without any a CPU trains up to four
    times as fast, as attention keeps its fast kernels; and similarities are learned towards a teacher's from
    vectors as they will be.

    With `refresh` the `negatives` are hard ones: each so many steps, and before the first, the student searches the
    collection for every query, and they are drawn from its `hard` nearest passages that are neither candidates nor
    have a qrel (ANCE, arXiv 2007.00808). With `curriculum` training begins with the queries of which the teacher is
    surest, by the entropy of its distribution, and comes to all of them in even strides over that share of the steps.
    With `topics` the queries of a step come from so many clusters of the base's vectors of queries, 0: from all
    (TAS-B, arXiv 2104.06967).

    With `deterministic` the same settings and seed give the same weights, byte for byte, in one workspace on one
    machine, however many threads others use: the student is trained on one thread of the CPU, in parts that do not
    depend on the memory that is free, in float32 unless told otherwise, and not by the clock. Without, several threads
    add in the order in which they are done, and weights differ in the sixth digit.
    """

    method: str = "full"
    rank: int | None = None
    loss: str = "utility_infonce"
    teacher_temperature: float | None = None
    student_temperature: float = 0.05
    batch_size: int | None = None
    candidates: int | None = None
    negatives: int | None = None
    steps: int = 400
    minutes: float | None = None
    evaluate_every: int = 50
    patience: int = 4
    learning_rate: float | None = None
    warmup: float = 0.05
    schedule: Literal["constant", "linear"] = "linear"
    weight_decay: float = 0.0
    max_tokens: int | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    dropout: float | None = 0.0
    measure: str = "nDCG@10"
    seed: int = 13
    accumulate: int = 1
    chunk: int | None = None
    refresh: int = 0
    hard: int = 50
    curriculum: float = 0.0
    topics: int | None = None
    frozen_layers: int = 0
    deterministic: bool = False

    def __post_init__(self) -> None:
        loss_named(self.loss)
        for names, allowed, wanted in _RANGES:
            for name in names.split():
                self._demand(name, allowed, wanted)
        batch_size = USUAL_BATCH if self.batch_size is None else self.batch_size
        if self.topics and self.topics > batch_size:
            raise BadSetting(f"topics is {self.topics}, more than the queries of a step.", "Choose batch_size or less.")
        for name in ("warmup", "curriculum"):
            self._demand(name, lambda value: 0 <= value <= 1, "a share of the steps, from 0 to 1")
        if self.dropout is not None:
            self._demand("dropout", lambda value: 0 <= value < 1, "from 0 to below 1, or nothing: the base's own")
        if self.refresh and self.negatives == 0:
            raise BadSetting("refresh is set, but no negatives are drawn.", "Set negatives to 1 or more.")
        if batch_size % self.accumulate:
            raise BadSetting(
                f"accumulate is {self.accumulate}, and {batch_size} queries do not split into equal parts.",
                "Choose a batch_size that is a multiple of it.",
            )
        if not isinstance(self.deterministic, bool):
            raise BadSetting(f"deterministic is {self.deterministic!r}.", "It can be true or false.")
        if self.deterministic and self.minutes is not None:
            raise BadSetting(
                "minutes end a training by the clock, and the same seed then gives another student.",
                "Set steps in place of minutes, or leave deterministic out.",
            )
        self._demand_choice("schedule", ("constant", "linear"))
        self._demand_choice("precision", PRECISIONS)

    def _demand_choice(self, name: str, choices: Sequence[str]) -> None:
        """Raise BadSetting unless a setting is one of a few words."""
        if getattr(self, name) not in choices:
            raise BadSetting(f"{name} is {getattr(self, name)!r}.", f"It can be {', '.join(choices)}.")

    def _demand(self, name: str, allowed: Callable[[float], bool], wanted: str) -> None:
        """Raise BadSetting unless a number is allowed, whole where a whole one is meant, or open where it may be."""
        value, kind = getattr(self, name), next(str(field.type) for field in fields(self) if field.name == name)
        whole, may_be_open = kind.startswith("int"), kind.endswith("| None")
        if value is None and may_be_open:
            return
        wanted += ", or nothing" if may_be_open else ""
        number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if not (number and isfinite(value) and allowed(value)):
            raise BadSetting(f"{name} is {value!r}.", f"It must be {'a whole number, ' if whole else ''}{wanted}.")


# Settings to begin with on a machine; anything else is as in TrainSettings. `cpu` ends within two minutes for a static
# student, by the clock where a machine is slow. `gpu` is a guess that no GPU has confirmed yet.
PRESETS: dict[str, dict[str, Any]] = {
    "cpu": {"steps": 200, "minutes": 1.5, "candidates": 8, "evaluate_every": 25},
    "gpu": {"steps": 2_000, "batch_size": 256, "negatives": 8, "evaluate_every": 200, "precision": "bfloat16"},
}


def preset(name: str) -> dict[str, Any]:
    """Return the settings of a preset."""
    if name not in PRESETS:
        raise UnknownName("preset", name, list(PRESETS))
    return PRESETS[name]


# Defaults of recipes that do not name a setting, where they are others now.
FORMER: dict[str, Any] = {"dropout": None, "batch_size": USUAL_BATCH, "candidates": 16, "negatives": 4, "topics": 0}


class DevMeasure(NamedTuple):
    """What a dev evaluator measures: the value that chooses the best step, and that on the unseen part of dev alone.

    The latter is None where train has seen no dev query, or has seen all.
    """

    value: float
    unseen: float | None = None


@dataclass(frozen=True)
class Trained:
    """The outcome of a training; `best_step` 0 says that no evaluation beat the student it began with.

    `dev_before` and `dev_after` are values of `measure` on the dev evaluator's queries, at step 0 and at `best_step`;
    `unseen_before` and `unseen_after` are those on the queries that train has not seen, where it has seen some.
    `teacher_temperature` and `learning_rate` (its highest) are those of the resolved settings.
    `history` holds the lines of history.jsonl: step, seconds, loss (mean since the line before), learning_rate,
    entropy (nats) and effective (its exponential: how many positives a teacher row amounts to), and dev where it was
    evaluated, with dev_unseen.
    """

    steps: int
    best_step: int
    dev_before: float
    dev_after: float
    measure: str
    seconds: float
    stopped: Stopped
    teacher_temperature: float
    learning_rate: float
    history: tuple[Record, ...]
    unseen_before: float | None = None
    unseen_after: float | None = None

    @property
    def improved(self) -> bool:
        """Return whether any evaluation beat the student that training began with."""
        return self.best_step > 0


def settings_used(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a student's training ran with, as its recipe tells: asked for, or resolved where open.

    A recipe that is older than a setting had what is now its default, or was its default then; one of schema 3 and
    before tells in its outcome what was resolved.
    """
    asked = {**asdict(TrainSettings(**FORMER)), **recipe.get("settings", {})}
    outcome = recipe.get("outcome", {})
    former = {name: outcome[name] for name, value in asked.items() if value is None and name in outcome}
    return {**asked, **former, **recipe.get("resolved", {})}


def settings_in_words(settings: Mapping[str, Any]) -> str:
    """Return settings as a person reads them."""
    texts = (f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in settings.items())
    return ", ".join(texts) or "the usual settings"
