"""The collator: what the student reads is what encode_query and encode_document would read."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.toy import EXAMPLES, PASSAGES, QUICK, student, trained
from workbench.errors import BadSetting
from workbench.trainer.batches import Batches
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


def test_max_tokens_means_nothing_to_a_static_student(tmp_path):
    with pytest.raises(BadSetting, match="max_tokens"):
        trained(tmp_path, replace(QUICK, max_tokens=8))
