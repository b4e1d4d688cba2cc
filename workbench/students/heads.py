"""Sparse and multi-vector students of a plain encoder, made of sentence-transformers' own modules alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from workbench.errors import ModelUnavailable
from workbench.students import architectures
from workbench.students.student import Student, load

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def sparse(base: Student) -> SentenceTransformer:
    """Return SPLADE over a base: the largest log(1 + relu(logit)) of each word of the vocabulary (arXiv 2109.10086).

    Raises ModelUnavailable for a base without the head of a masked language model, whose logits these are: a fresh one
    would know nothing, and would have to learn a language from a few queries.
    """
    from sentence_transformers import SparseEncoder
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sparse_encoder.modules import SpladePooling

    folder = _transformer(base.path)
    if not any(name.endswith("ForMaskedLM") for name in _architectures(folder)):
        raise ModelUnavailable(
            f"{base.name!r} cannot become sparse: it has no head of a masked language model, which weighs words.",
            "Name a base that has one, such as distilbert/distilbert-base-uncased, or a SPLADE model as it is.",
        )
    transformer = Transformer(str(folder), transformer_task="fill-mask", processor_kwargs={"local_files_only": True})
    model = SparseEncoder(modules=[transformer, SpladePooling("max")], device="cpu", similarity_fn_name="dot")
    return cast("SentenceTransformer", model.float())


def multi_vector(base: Student) -> SentenceTransformer:
    """Return late interaction over a base (ColBERT, arXiv 2004.12832): its token vectors, each at unit length.

    There is no projection to fewer numbers: a fresh one would have to be trained before the student is of any use.
    """
    from sentence_transformers import MultiVectorEncoder
    from sentence_transformers.base.modules import Normalize, Transformer
    from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

    base_model = load(base, device="cpu")
    transformer = base_model[0]
    if architectures.architecture(base.path) is not architectures.DENSE or not isinstance(transformer, Transformer):
        raise ModelUnavailable(
            f"{base.name!r} cannot become a multi-vector student: it is no transformer with a vector for each token.",
            "Choose a transformers encoder such as all-MiniLM-L6-v2 as base.",
        )
    model = MultiVectorEncoder(
        modules=[transformer, MultiVectorMask(), Normalize(module_input_name="token_embeddings")],
        device="cpu",
        prompts={name: prompt for name, prompt in base_model.prompts.items() if prompt},
        similarity_fn_name="meanmaxsim",
    )
    return cast("SentenceTransformer", model)


def _transformer(path: Path) -> Path:
    """Return the folder of a model's transformer: one of its own, or the model's."""
    file = path / "modules.json"
    modules = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    return path / modules[0]["path"] if modules else path


def _architectures(folder: Path) -> list[str]:
    file = folder / "config.json"
    config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return config.get("architectures") or []
