"""Frozen lower layers: neither they nor the embeddings are trained, so what they make of a text is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from workbench import memory
from workbench.errors import BadSetting

# What the outputs of frozen layers may take in memory. They stay in the order in which texts come: a training reads
# all texts in turns, so that what was read longest ago is what comes next.
MOST_STORED = 2**30
SHARE = 0.2
# The parts of a model whose lower layers can be left out: embeddings, then layers and nothing else.
BERT_LIKE = {"embeddings", "encoder", "pooler"}


def freeze(model: nn.Module, count: int) -> list[PreTrainedModel]:
    """Freeze the embeddings and the lowest layers of every transformer in training; return these transformers."""
    transformers = [
        module
        for module in model.modules()
        if isinstance(module, PreTrainedModel)
        and not any(isinstance(child, PreTrainedModel) for child in module.children())
        and any(value.requires_grad for value in module.parameters())
    ]
    if not transformers:
        raise BadSetting("frozen_layers is set, but this training changes no layers of a transformer.", "Leave it out.")
    for transformer in transformers:
        container, layers = _layers(transformer)
        if count >= len(layers):
            raise BadSetting(
                f"frozen_layers is {count}, but the base has {len(layers)} layers.", f"Choose up to {len(layers) - 1}."
            )
        above = {id(value) for layer in list(layers)[count:] for value in layer.parameters()}
        for name, child in transformer.named_children():
            for value in child.parameters():
                value.requires_grad &= id(value) in above
            if name == container:
                break  # what follows the layers, a pooler or a norm, is trained
    return transformers


def _layers(transformer: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """Return the list of a transformer's layers, and the name of its part that holds them."""
    count = transformer.config.get_text_config().num_hidden_layers
    for name, module in transformer.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return name.partition(".")[0], module
    raise BadSetting("frozen_layers is set, but the layers of this base are not a list.", "Leave it out.")


def room(device: str) -> float:
    """Return the bytes of a device's memory that the outputs of frozen layers may take, before there are any."""
    return min(float(MOST_STORED), SHARE * memory.free(device))


class FrozenLayers:
    """The frozen lower layers of the transformers in training, which a step leaves out where it knows their outputs.

    Those of models built like BERT are known after the first reading of a text; of others they are computed each time.
    """

    def __init__(self, model: nn.Module, count: int) -> None:
        device = next(model.parameters()).device
        left = [room(str(device))]
        bert_like = [transformer for transformer in freeze(model, count) if _is_bert_like(transformer)]
        self.stored = [_Outputs(transformer, count, left) for transformer in bert_like]

    @property
    def bytes_a_token(self) -> float:
        """Return what is stored of a token, 0 where nothing is stored."""
        return float(sum(outputs.bytes_a_token for outputs in self.stored))

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """Let the transformers begin at their first trained layer meanwhile."""
        with ExitStack() as stack:
            for outputs in self.stored:
                stack.enter_context(outputs.in_place_of_lower_layers())
            yield


def _is_bert_like(transformer: PreTrainedModel) -> bool:
    parts = dict(transformer.named_children())
    encoder = parts.get("encoder")
    return (
        {"embeddings", "encoder"} <= parts.keys() <= BERT_LIKE
        and encoder is not None
        and ([name for name, _ in encoder.named_children()] == ["layer"])
    )


class _Outputs(nn.Module):
    """In the place of a model's embeddings: returns what its frozen layers make of texts, (n, tokens, d)."""

    def __init__(self, transformer: Any, count: int, room: list[float]) -> None:
        super().__init__()
        # Not as submodules: they are the transformer's, which this becomes a part of.
        self._own = (transformer, transformer.embeddings, transformer.encoder.layer)
        self._count, self._room = count, room
        self._rows: dict[bytes, Tensor] = {}
        self._mask: Tensor | None = None

    @property
    def bytes_a_token(self) -> float:
        """Return what the outputs of a token take, 0 where none are stored."""
        rows = next(iter(self._rows.values()), None)
        return 0.0 if rows is None else rows.nbytes / len(rows)

    @contextmanager
    def in_place_of_lower_layers(self) -> Iterator[None]:
        """Stand in for the embeddings and the frozen layers meanwhile."""
        transformer, _, layers = self._own
        forward = transformer.forward

        # In the place of the method, as sentence-transformers calls it without the hooks of the module.
        @wraps(forward)
        def with_mask_noted(*args: Any, **named: Any) -> Any:
            self._mask = named.get("attention_mask")
            return forward(*args, **named)

        transformer.forward = with_mask_noted
        try:
            self._set(self, layers[self._count :])
            yield
        finally:
            del transformer.forward
            self._set(*self._own[1:])

    def forward(self, input_ids: Tensor, **named: Any) -> Tensor:
        """Return the outputs for tokens (n, tokens), zero where they are padding."""
        mask = torch.ones_like(input_ids) if self._mask is None else self._mask
        keys = [ids[own].cpu().numpy().tobytes() for ids, own in zip(input_ids, mask.bool(), strict=True)]
        missing = [place for place, key in enumerate(keys) if key not in self._rows]
        computed: dict[bytes, Tensor] = {}
        if missing:
            outputs = self._compute(input_ids[missing], mask[missing])
            own = mask[missing].bool()
            computed = {keys[place]: outputs[row][own[row]].clone() for row, place in enumerate(missing)}
            for key, value in computed.items():
                if value.nbytes <= self._room[0]:
                    self._room[0] -= value.nbytes
                    self._rows[key] = value
        rows = [self._rows[key] if key in self._rows else computed[key] for key in keys]
        padded = rows[0].new_zeros(*input_ids.shape, rows[0].shape[1])
        padded[mask.bool()] = torch.cat(rows)
        return padded

    def _compute(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        """Return what embeddings and frozen layers make of tokens, without dropout."""
        transformer, embeddings, layers = self._own
        training, noted = transformer.training, self._mask
        self._set(embeddings, layers[: self._count])
        try:
            with torch.no_grad():
                outputs: Tensor = transformer.eval()(input_ids=input_ids, attention_mask=mask).last_hidden_state
        finally:
            transformer.train(training)
            self._set(self, layers[self._count :])
            self._mask = noted
        return outputs

    def _set(self, embeddings: nn.Module, layers: nn.ModuleList) -> None:
        transformer = self._own[0]
        transformer.embeddings, transformer.encoder.layer = embeddings, layers
