"""The cross-encoder teacher: what a sentence-transformers CrossEncoder makes of query and passage read together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from workbench import machine
from workbench.errors import BadSetting, ModelUnavailable, NothingToDo
from workbench.hub import ModelFiles, model_folder, without_loading_bars
from workbench.records import Failure, Group, Passage, Query, Scored, Unit, Utility
from workbench.teachers.likelihood import checkpoint

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder as Model

Activation = Literal["model", "sigmoid", "none"]
# Sorted by length together, so that batches are even.
PAIRS_AT_ONCE = 4096
# Yielded together: one write to the store is shared by many pairs, and an interrupt costs few.
PAIRS_IN_BATCH = 256
# Beyond what any checkpoint has: how modules are put together, and those in folders of their own.
MODULES = ("modules.json", "config_sentence_transformers.json", "*/config.json", "*/*.safetensors")
UNITS: dict[str, Unit] = {"Sigmoid": "probability", "Identity": "logit"}


def _complete(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.rglob("*.safetensors"))


FILES = ModelFiles(
    _complete,
    needs="config.json or safetensors weights",
    hint="Name a folder with config.json, safetensors and a tokenizer, or check the spelling and the network.",
    ignored=("onnx/*", "openvino/*", "*.bin", "*.h5", "*.msgpack", "*.ot", "*.onnx"),
)


@dataclass(frozen=True)
class CrossEncoderSettings:
    """All that decides the cross-encoder's utilities, and `batch_size`, which does not beyond rounding."""

    model: str | Path = field(metadata={"about": "a sentence-transformers CrossEncoder, by hub name or folder"})
    activation: Activation = field(
        default="model",
        metadata={"about": "model: as the model has it; sigmoid: a probability; none: the logit as it is"},
    )
    max_tokens: int | None = field(
        default=None, metadata={"about": "the most tokens of query and passage; unless given, the model's limit"}
    )
    dtype: str = field(default="auto", metadata={"about": f"auto, {', '.join(checkpoint.DTYPES)}"})
    device: str = field(default="auto", metadata={"about": "auto, or a device of torch, such as cpu or cuda"})
    batch_size: int = field(default=32, metadata={"about": "pairs that go through the model at once"})

    def __post_init__(self) -> None:
        if self.activation not in get_args(Activation):
            raise BadSetting(f"activation is {self.activation!r}.", f"It is one of {', '.join(get_args(Activation))}.")
        if self.dtype not in ("auto", *checkpoint.DTYPES):
            raise BadSetting(f"dtype is {self.dtype!r}.", f"It is 'auto' or one of {', '.join(checkpoint.DTYPES)}.")
        for name in ("max_tokens", "batch_size"):
            value = getattr(self, name)
            if not ((type(value) is int and value > 0) or (value is None and name == "max_tokens")):
                raise BadSetting(f"{name} is {value!r}.", "It is a whole number above 0.")


class _Pair(NamedTuple):
    query: Query
    passage: Passage

    @property
    def texts(self) -> tuple[str, str]:
        return self.query.text, self.passage.content


class CrossEncoder:
    """Scores query and passage read together by one encoder (Nogueira and Cho, arXiv 1901.04085).

    The unit follows the activation: a probability behind a sigmoid, a logit behind none, else unknown.
    """

    def __init__(self, settings: CrossEncoderSettings) -> None:
        self.settings = settings
        self._model: Model | None = None
        self._name = ""

    @property
    def name(self) -> str:
        """Return the recipe: model and weights, activation, limit and dtype."""
        self._prepared()
        return self._name

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        return UNITS.get(type(self._prepared().activation_fn).__name__, "unknown")

    def prepare(self, collection: Iterable[Passage] = ()) -> None:
        """Load the model; how titles are joined to texts is part of the recipe, as `collection` has it."""
        settings = self.settings
        folder = model_folder(str(settings.model), FILES)
        device = machine.best_device() if settings.device == "auto" else settings.device
        dtype = checkpoint.dtype_of(settings.dtype, device)
        self._model = _load(folder, dtype, device, settings)
        title_join = next((passage.title_join for passage in collection), " ")
        joined = "" if title_join == " " else f"-joined{title_join.encode().hex()}"
        activation = type(self._model.activation_fn).__name__.lower()
        reading = f"{activation}-{self._model.max_seq_length}tokens{joined}"
        self._name = f"cross_encoder:{checkpoint.model_name(settings.model, folder, MODULES)}:{reading}:{dtype}"

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield a utility per pair, longest first, or a failure where the model gives no finite number."""
        self._prepared()
        pairs = (_Pair(group.query, passage) for group in groups for passage in group.passages)
        while chunk := list(islice(pairs, PAIRS_AT_ONCE)):
            lengths = self._lengths(chunk)
            order = sorted(range(len(chunk)), key=lambda at: -lengths[at])
            for start in range(0, len(order), PAIRS_IN_BATCH):
                batch = order[start : start + PAIRS_IN_BATCH]
                yield self._scored([chunk[at] for at in batch], [lengths[at] for at in batch])

    def _scored(self, pairs: Sequence[_Pair], lengths: Sequence[int]) -> list[Scored]:
        model = self._prepared()
        values = model.predict(
            [pair.texts for pair in pairs], batch_size=self.settings.batch_size, show_progress_bar=False
        )
        limit = model.max_seq_length
        unread = [max(0, length - limit) if limit else 0 for length in lengths]
        return [self._row(*row) for row in zip(pairs, map(float, values), unread, strict=True)]

    def _row(self, pair: _Pair, value: float, unread: int) -> Scored:
        query_id, passage_id = pair.query.query_id, pair.passage.passage_id
        if not isfinite(value):
            return Failure(query_id, passage_id, self._name, "the model gave no finite number")
        return Utility(query_id, passage_id, self._name, value, truncated=unread)

    def _lengths(self, pairs: Sequence[_Pair]) -> list[int]:
        """Return how many tokens each query and its passage have together, before any are cut."""
        queries, contents = zip(*(pair.texts for pair in pairs), strict=True)
        encoded = self._prepared().tokenizer(
            list(queries), list(contents), truncation=False, padding=False, verbose=False
        )
        return [len(ids) for ids in encoded["input_ids"]]

    def _prepared(self) -> Model:
        if self._model is None:
            raise NothingToDo("The cross-encoder does not know its model yet.", "Call prepare(()) first.")
        return self._model


def _load(folder: Path, dtype: str, device: str, settings: CrossEncoderSettings) -> Model:
    import torch
    from sentence_transformers import CrossEncoder as Model

    activations = {"model": None, "sigmoid": torch.nn.Sigmoid(), "none": torch.nn.Identity()}
    try:
        with without_loading_bars():
            model: Model = Model(
                str(folder),
                device=device,
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": getattr(torch, dtype), "use_safetensors": True},
                activation_fn=activations[settings.activation],
            )
    except Exception as error:  # the libraries raise whatever their parts raise; all mean that it cannot be opened
        reason = f"{folder} does not open as a cross-encoder: {type(error).__name__}: {error}"
        raise ModelUnavailable(reason, "Check that sentence-transformers' CrossEncoder opens it.") from error
    if model.num_labels != 1:
        reason = f"{folder} gives {model.num_labels} numbers for a pair."
        raise ModelUnavailable(reason, "Only a cross-encoder that gives one number for a pair can be a teacher.")
    if _lacks_head(model, folder):
        raise ModelUnavailable(
            f"{folder} lacks the weights that score a pair.", "An encoder alone cannot be a teacher."
        )
    if settings.max_tokens is not None:
        model.max_seq_length = settings.max_tokens
    return model


def _lacks_head(model: Model, folder: Path) -> bool:
    """Return whether the layers behind the encoder were made up at random, since no file has them."""
    from safetensors import safe_open

    classifier = model.model
    if classifier is None or not type(classifier).__name__.endswith("ForSequenceClassification"):
        return False
    head = {name for name in classifier.state_dict() if not name.startswith(f"{classifier.base_model_prefix}.")}
    for file in folder.rglob("*.safetensors"):
        with safe_open(file, "pt") as stored:
            head -= set(stored.keys())
    return bool(head)
