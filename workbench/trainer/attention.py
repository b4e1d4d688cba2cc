"""Attention for training on a CPU: in bfloat16 torch's fast kernel is slow on its way back where texts are short."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "short_texts"
# A forward and backward pass of all-MiniLM-L6-v2, on a processor with AMX, took 0.6 of the kernel's time for texts of
# 64 and of 160 tokens, 0.8 for 256, 1.1 for 512; and memory grows with the square of the tokens.
LONGEST = 256
# What the kernel is asked to heed that plain products do not.
OTHERS = ("position_bias", "softcap", "s_aux", "cache")


def use_for_training(model: nn.Module) -> None:
    """Let the transformers in a model that attend by torch's kernel attend by plain products where that is faster."""
    for module in model.modules():
        if isinstance(module, PreTrainedModel) and module.config._attn_implementation == "sdpa":
            module.set_attn_implementation(NAME)


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, **options: Any
) -> tuple[Tensor, None]:
    """Return (batch, tokens, heads, size) values by (batch, heads, tokens, size) queries, keys and values.

    Where the products are not faster, or `options` ask for more than they do, torch's kernel attends.
    """
    causal = options.get("is_causal")
    causal = attention_mask is None and (getattr(module, "is_causal", True) if causal is None else causal)
    short = key.shape == query.shape == value.shape and key.shape[2] <= LONGEST
    learning = torch.is_grad_enabled() and query.device.type == "cpu" and query.dtype == torch.bfloat16
    more = options.get("dropout") or any(options.get(name) is not None for name in OTHERS)
    if causal or more or not (short and learning):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    scaling = options.get("scaling") or query.shape[-1] ** -0.5
    with torch.autocast("cpu", enabled=False):  # it would keep the weights of attention in float32
        scores = (query * scaling) @ key.transpose(-1, -2)
        if attention_mask is not None and attention_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
        elif attention_mask is not None:
            scores = scores + attention_mask.to(scores.dtype)
        return (scores.softmax(-1) @ value).transpose(1, 2).contiguous(), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
