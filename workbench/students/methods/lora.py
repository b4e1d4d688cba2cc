"""LoRA: low-rank changes to every linear layer of a transformer (Hu et al., arXiv 2106.09685), merged when saved."""

from __future__ import annotations

import copy

import torch
from sentence_transformers import SentenceTransformer

from workbench.errors import BadSetting
from workbench.students.methods.method import MethodInputs, MethodParts


def lora(inputs: MethodInputs) -> MethodParts:
    """Train peft's low-rank changes through sentence-transformers' add_adapter; the base's own weights are frozen.

    The scale is lora_alpha / rank = 2. Nothing of peft is saved: the changes are added to a copy of the base that was
    taken before.
    """
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    base, layers = inputs.base, inputs.base.transformers_model
    if layers is None or not base.has_peft_compatible_model():
        raise BadSetting(
            "Method 'lora' changes the layers of a transformer, and this base has none that it can change.",
            "Choose method full, or a transformers encoder such as all-MiniLM-L6-v2 as base.",
        )
    rank = inputs.rank or 1
    if rank > (narrowest := layers.config.get_text_config().hidden_size):
        raise BadSetting(f"rank is {rank}, but the base's layers are {narrowest} wide.", "Choose a lower rank.")
    untouched = copy.deepcopy(base)
    with torch.random.fork_rng(devices=[]):  # peft draws from the process's generator
        torch.manual_seed(inputs.seed)
        base.add_adapter(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", lora_dropout=0.0))

    def to_save() -> SentenceTransformer:
        merged = copy.deepcopy(untouched)
        with torch.no_grad():
            for name, layer in base.named_modules():
                if isinstance(layer, Linear):
                    weight = merged.get_submodule(name).get_parameter("weight")
                    weight.add_(layer.get_delta_weight("default").to(weight))
        return merged

    return MethodParts(base, to_save, to_evaluate=lambda: base)
