"""Static students in training: what their token weights are, and that a plain table says the same."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Normalize

from tests import tiny
from workbench.students import methods
from workbench.students.methods import MethodInputs, MethodParts
from workbench.students.methods.weighted import STRIDE, Weighted

COLLECTION = ["the sea is salt", "the rivers run to the sea", "the price of oil"]
TEXTS = ["the sea", "oil", "what raised the price of oil", "", "zzz qqq"]


def made() -> MethodParts:
    base = SentenceTransformer(modules=[tiny.static()[0]], device="cpu")
    return methods.make("full", MethodInputs(base, collection=COLLECTION))


def in_training(student: MethodParts) -> Weighted:
    module = student.model[0]
    assert isinstance(module, Weighted)
    return module


def test_it_begins_as_its_base() -> None:
    base, student = tiny.static(), made()
    np.testing.assert_allclose(student.model.encode(TEXTS), base.encode(TEXTS), atol=1e-6)


def test_a_slope_of_one_is_sif_and_tokens_that_never_occur_keep_their_weight() -> None:
    student = made()
    module = in_training(student)
    with torch.no_grad():
        module.slope.fill_(1 / STRIDE)
    rows = student.to_save()[0].embedding.weight
    ids = torch.cat([module.preprocess([text])["input_ids"] for text in COLLECTION])
    for token in (int(ids[0]), int(ids[1])):
        share = (ids == token).double().mean().item()
        expected = module.embedding.weight[token] * 1e-3 / (1e-3 + share)
        torch.testing.assert_close(rows[token], expected, rtol=1e-5, atol=1e-7)
    absent = next(row for row in range(module.num_embeddings) if row not in set(ids.tolist()))
    torch.testing.assert_close(rows[absent], module.embedding.weight[absent])


@pytest.mark.parametrize("after", [[], [Normalize()]], ids=["bare", "normalised"])
def test_what_is_saved_is_a_plain_table_that_says_the_same(after: list[Normalize]) -> None:
    base = SentenceTransformer(modules=[tiny.static()[0], *after], device="cpu")
    student = methods.make("full", MethodInputs(base, collection=COLLECTION))
    module = in_training(student)
    with torch.no_grad():
        module.slope.fill_(0.07)
        module.embedding.weight.mul_(1.5)
    saved = student.to_save()
    assert type(saved[0]).__name__ == "StaticEmbedding"
    assert [type(each) for each in list(saved.children())[1:]] == [type(each) for each in after]
    student.model.eval()
    np.testing.assert_allclose(saved.encode(TEXTS), student.model.encode(TEXTS), atol=1e-5)


def test_the_slope_learns_what_no_row_could() -> None:
    """A query and its passage share a rare word that training never moves alone: only the slope raises it."""
    student = made()
    module = in_training(student)
    module.embedding.weight.requires_grad_(False)
    features = module.preprocess(["the the the oil", "oil", "the the the sea"])
    query, right, wrong = student.model(features)["sentence_embedding"]
    gap = torch.cosine_similarity(query, right, dim=0) - torch.cosine_similarity(query, wrong, dim=0)
    gap.backward()  # type: ignore[no-untyped-call]
    assert module.slope.grad is not None
    assert math.isfinite(module.slope.grad.item())
    assert module.slope.grad.item() > 0
