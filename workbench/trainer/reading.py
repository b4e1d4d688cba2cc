"""Reading a batch part by part, as memory allows, with the gradients of the whole batch (GradCache, arXiv 2101.06983).

sentence-transformers has GradCache too (CachedLossMixin). It reads every part twice, whether memory is short or not,
wants one vector a text, and cannot begin anew with smaller parts where a part does not fit; its replay of dropout is
what is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import torch
from sentence_transformers.base.losses.gradcache import RandContext
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from workbench import memory
from workbench.results import counted
from workbench.trainer.distributed import world_size

Features = dict[str, Any]
Encode = Callable[[Features], Any]
# Tokens of a part, padding included. On a CPU the widest activations then stay below the 32 MiB from which glibc
# fetches fresh pages from the system for each tensor; MiniLM is fastest with 4,000 to 8,000 on two cores.
PART_TOKENS = {"cpu": 4_096}
PART_TOKENS_ELSEWHERE = 65_536
# Of the memory that is free, what activations may take; the rest is for what lives for a moment, and for others.
SHARE = 0.6
# A CPU's memory is shared with all else that runs. A second reading costs about a fifth more time than keeping graphs.
MOST_KEPT_ON_CPU = 2 * 2**30
# Gradients and Adam's two moments, in float32, beside each weight that is trained.
STATES = 3


class Cost(NamedTuple):
    """What the activations of a part take, in bytes: for the part, and for each of its tokens."""

    part: float
    token: float

    def of(self, tokens: int) -> float:
        """Return the bytes of a part of so many tokens, padding included."""
        return self.part + self.token * tokens


class _Encoding(NamedTuple):
    """The outputs of texts, to be computed once or twice."""

    encode: Encode
    features: Features

    def __call__(self) -> tuple[Tensor, ...]:
        outputs = self.encode(dict(self.features))  # a copy, as modules write what they return into it
        return outputs if isinstance(outputs, tuple) else (outputs,)


@dataclass
class Part:
    """Some texts of one side; `leaves` are their outputs, whose gradients go back through the graph of `outputs`.

    Where the graph was not kept, `state` is that of the random numbers the texts were read with, to read them again.
    """

    encode: _Encoding
    leaves: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...] | None = None
    state: RandContext | None = None


class Reader:
    """Reads texts with a student in parts of at most `chunk` texts, or of as many tokens as are fast and fit.

    As many graphs of activations are kept as memory has room for; the texts of the others are read once more, with the
    same dropout, when their gradients are there. With `fixed` the parts do not depend on memory: where they begin
    decides how sums are rounded.
    """

    def __init__(self, model: nn.Module, device: torch.device, chunk: int | None, *, fixed: bool = False) -> None:
        self.model, self.chunk, self.fixed = model, chunk, fixed
        self.tokens = PART_TOKENS.get(device.type, PART_TOKENS_ELSEWHERE)
        self.room = room(model, device)
        self.halvings = 0
        self.cost: Cost | None = None
        self._kept = 0.0

    @property
    def in_words(self) -> str:
        """Return how large a part is at most."""
        return counted(self.tokens, "token") if self.chunk is None else counted(self.chunk, "text")

    def read(self, sides: Sequence[tuple[Encode, Features]]) -> list[list[Part]]:
        """Return the parts of each side, read; what has no table of tokens costs little and is one part."""
        self._kept = 0.0
        longest = max(sides, key=lambda side: _tokens(side[1]))
        if not torch.is_grad_enabled() or not _tokens(longest[1]):
            return [[Part(encoding, encoding())] for encoding in (_Encoding(*side) for side in sides)]
        if self.cost is None:
            self.cost = measured_cost(self.model, *longest)
        return [
            [self._read(_Encoding(encode, part), _tokens(part)) for part in self._parts(features)]
            for encode, features in sides
        ]

    def connect(self, loss: Tensor, sides: Sequence[Sequence[Part]]) -> Tensor:
        """Return a loss, calculated from the leaves of parts, whose backward pass reaches the student's weights."""
        parts = [part for side in sides for part in side if part.outputs is not None or part.state is not None]
        if not parts:
            return loss
        loss.backward()  # type: ignore[no-untyped-call]
        value = loss.detach().requires_grad_()
        value.register_hook(partial(_lead_back, parts))  # type: ignore[no-untyped-call]
        return value

    def halve(self) -> bool:
        """Make parts half as large, after memory did not suffice; return False where they may not, or are one text."""
        if self.fixed or self.chunk == 1 or self.tokens == 1:
            return False
        self.halvings += 1
        self.tokens //= 2
        self.chunk = self.chunk and max(1, self.chunk // 2)
        self.room //= 2
        return True

    def _parts(self, features: Features) -> Iterator[Features]:
        """Yield the texts of a side in parts."""
        if not _tokens(features) or self.cost is None:
            yield features
            return
        lengths = features["attention_mask"].sum(dim=1).tolist()
        most = self.tokens if self.fixed else min(self.tokens, int(self.room / 2 / self.cost.token))
        for begin, end in ranges(lengths, self.chunk or len(lengths), None if self.chunk else most):
            yield sliced(features, slice(begin, end))

    def _read(self, encode: _Encoding, tokens: int) -> Part:
        """Read a part, and keep its graph while there is room."""
        cost = self.cost.of(tokens) if self.cost and tokens else 0.0
        if self._kept + cost <= self.room:
            self._kept += cost
            outputs = encode()
            return Part(encode, _leaves(outputs), outputs)
        state = RandContext(*(value for value in encode.features.values() if isinstance(value, Tensor)))
        with torch.no_grad():
            return Part(encode, _leaves(encode()), state=state)


def _lead_back(parts: Sequence[Part], scale: Tensor) -> None:
    """Lead the gradients of the leaves back to the weights, part by part."""
    on_cpu = scale.device.type == "cpu"
    if on_cpu:
        memory.trim()  # of what reading the parts has left free, which reading some again would not fit into
    for part in parts:
        if part.state is not None:
            with torch.enable_grad(), part.state:
                part.outputs = part.encode()
        assert part.outputs is not None
        pairs = [
            (output, leaf.grad * scale)
            for output, leaf in zip(part.outputs, part.leaves, strict=True)
            if output.requires_grad and leaf.grad is not None
        ]
        if pairs:
            outputs, gradients = zip(*pairs, strict=True)
            torch.autograd.backward(outputs, gradients)
        part.outputs = None
    if on_cpu:
        memory.trim()


def room(model: nn.Module, device: torch.device) -> float:
    """Return the bytes that the activations of a training may take, now, before it has begun.

    Processes that train together on CPUs share what is free.
    """
    trained = sum(value.nbytes for value in model.parameters() if value.requires_grad)
    available = max(0.0, SHARE * (memory.free(str(device)) - STATES * trained))
    return min(available / world_size(), MOST_KEPT_ON_CPU) if device.type == "cpu" else available


def set_dropout(model: nn.Module, share: float | None) -> None:
    """Let layers leave out that share of their activations in training; None leaves each layer its own.

    With any dropout of attention torch leaves the fast kernels of a CPU. Models hold theirs as a module or, for
    attention, as a number.
    """
    if share is None:
        return
    for module in model.modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, float) and ("dropout" in name or (name == "p" and isinstance(module, nn.Dropout))):
                setattr(module, name, share)


def measured_cost(model: nn.Module, encode: Encode, features: Features) -> Cost:
    """Return what activations take, by what autograd saves of the longest text alone and of the two longest."""
    longest = features["attention_mask"].sum(dim=1).argsort(descending=True)
    measured: list[tuple[int, float]] = []
    for count in (1, 2):
        part = sliced(features, longest[:count])
        with torch.random.fork_rng(), saved_bytes(model) as saved:
            encode(dict(part))
        measured.append((_tokens(part), float(sum(saved.values()))))
    (tokens, first), (more, last) = measured
    token = max((last - first) / (more - tokens) if more > tokens else first / tokens, 1.0)
    return Cost(max(first - token * tokens, 0.0), token)


@contextmanager
def saved_bytes(model: nn.Module) -> Iterator[Mapping[int, int]]:
    """Gather the bytes of each storage that autograd saves meanwhile, but for the weights, which are there anyway."""
    weights = {value.untyped_storage().data_ptr() for value in chain(model.parameters(), model.buffers())}
    storages: dict[int, int] = {}

    def pack(value: Tensor) -> Tensor:
        storage = value.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        return value

    with saved_tensors_hooks(pack, lambda value: value):
        yield storages


def ranges(lengths: Sequence[int], texts: int, tokens: int | None) -> Iterator[tuple[int, int]]:
    """Yield the (begin, end) of parts of so many texts, and so many tokens with padding, but at least one text."""
    begin = widest = 0
    for place, length in enumerate(lengths):
        wider = max(widest, length)
        count = place - begin + 1
        if count > 1 and (count > texts or (tokens is not None and count * wider > tokens)):
            yield begin, place
            begin, wider = place, length
        widest = wider
    if lengths:
        yield begin, len(lengths)


def sliced(features: Features, texts: slice | Tensor) -> Features:
    """Return the features of some texts, without columns that are padding in all of them.

    The positions by which late interaction expands a query are masked and yet count: such tables stay as wide.
    """
    mask = features["attention_mask"]
    count, width = mask.shape
    columns = mask[texts].any(dim=0).nonzero()
    most = width if "query_expansion_positions" in features or not len(columns) else int(columns[-1]) + 1
    part: Features = {}
    for key, value in features.items():
        if isinstance(value, Tensor) and value.ndim and len(value) == count:
            part[key] = value[texts, :most] if value.ndim > 1 and value.shape[1] == width else value[texts]
        else:
            part[key] = value
    return part


def joined(parts: Sequence[Part]) -> Any:
    """Return the outputs of all parts of a side as those of one, padded to the widest."""
    columns = [_cat(column) for column in zip(*(part.leaves for part in parts), strict=True)]
    return columns[0] if len(columns) == 1 else tuple(columns)


def _cat(tensors: Sequence[Tensor]) -> Tensor:
    width = max(tensor.shape[1] for tensor in tensors)
    return torch.cat(
        [
            nn.functional.pad(tensor, (*[0, 0] * (tensor.ndim - 2), 0, width - tensor.shape[1]))
            if tensor.shape[1] < width
            else tensor
            for tensor in tensors
        ]
    )


def _leaves(outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(value.detach().requires_grad_(value.is_floating_point()) for value in outputs)


def _tokens(features: Features) -> int:
    """Return the tokens of texts, padding included; 0 for what has no table of them."""
    return features["attention_mask"].numel() if "attention_mask" in features else 0
