"""The collator: what the student reads is what encode_query and encode_document would read."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainer.toy import EXAMPLES, PASSAGES, QUICK, student, trained
from workbench.errors import BadSetting
from workbench.trainer.batches import Batches, collator
from workbench.trainer.batches.collator import Collator


def test_prompts_are_read_as_encode_query_and_encode_document_read_them():
    model = student()
    model.prompts = {"query": "question3 ", "passage": "answer4 "}
    collator = Collator(model, Batches(EXAMPLES, PASSAGES, QUICK))
    features = collator([{"slot": slot} for slot in range(4)])
    batch = collator.batches.batch(range(4))
    for side, encode, texts in (
        ("query", model.encode_query, batch.queries),
        ("passage", model.encode_document, batch.passages),
    ):
        side_features = {key: features[f"{side}_{key}"] for key in ("input_ids", "offsets")}
        vectors = model(side_features)["sentence_embedding"].detach().numpy()
        np.testing.assert_allclose(vectors, encode(texts), rtol=1e-5)


def test_only_so_many_tokens_are_remembered_and_a_batch_is_the_same(monkeypatch):
    remembering, forgetting = (Collator(student(), Batches(EXAMPLES, PASSAGES, QUICK)) for _ in range(2))
    for first in range(0, 24, 4):
        slots = [{"slot": slot} for slot in range(first, first + 4)]
        monkeypatch.setattr(collator, "MOST_REMEMBERED", 100_000)
        whole = remembering(slots)
        monkeypatch.setattr(collator, "MOST_REMEMBERED", 8)
        assert all(torch.equal(value, whole[key]) for key, value in forgetting(slots).items())
        assert len(forgetting.tokens) <= 8 + 24
    assert len(remembering.tokens) > 32


def test_max_tokens_means_nothing_to_a_static_student(tmp_path):
    with pytest.raises(BadSetting, match="max_tokens"):
        trained(tmp_path, replace(QUICK, max_tokens=8))
