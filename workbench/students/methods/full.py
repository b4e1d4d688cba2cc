"""Full fine-tuning: all weights of the base are trained."""

from __future__ import annotations

from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from workbench.students.methods.method import MethodInputs, MethodParts
from workbench.students.methods.weighted import weighted


def full(inputs: MethodInputs) -> MethodParts:
    """Train all weights of a base; of a static one its table and the weights of tokens."""
    model = inputs.base
    if isinstance(model[0], StaticEmbedding):
        return weighted(inputs)
    return MethodParts(model, to_save=lambda: model, to_evaluate=lambda: model)
