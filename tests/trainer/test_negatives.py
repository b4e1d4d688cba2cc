"""Hard negatives: the nearest passages that are neither candidates nor judged."""

from dataclasses import replace

import numpy as np
import pytest

from tests.trainer.toy import EXAMPLES, PASSAGES, QUICK, TOPICS, student
from workbench.trainer.batches import NEGATIVE, NO_PASSAGE, Batches, negatives
from workbench.trainer.batches.negatives import mine


@pytest.mark.parametrize("at_once", [100_000, 5])
def test_what_is_mined_is_what_the_student_puts_nearest_and_nobody_knows(monkeypatch, at_once):
    monkeypatch.setattr(negatives, "PASSAGES_AT_ONCE", at_once)
    monkeypatch.setattr(negatives, "BLOCK", at_once)
    model, batches = student(), Batches(EXAMPLES, PASSAGES, replace(QUICK, hard=7))
    rows = mine(model, batches)
    assert rows.shape == (TOPICS, 7)
    passages = model.encode(batches.collection[:], normalize_embeddings=True)
    for line, example in zip(rows, EXAMPLES, strict=True):
        known = {passage.content for passage in PASSAGES if passage.passage_id in example.known}
        similarities = passages @ model.encode(example.query.text, normalize_embeddings=True)
        allowed = [row for row, text in enumerate(batches.collection) if text not in known]
        assert len(set(line.tolist())) == 7
        assert set(line.tolist()) <= set(allowed)
        nearest = sorted((similarities[row] for row in allowed), reverse=True)[:7]
        np.testing.assert_allclose(similarities[line], nearest, rtol=1e-5)


def test_a_query_that_knows_all_passages_has_no_hard_negative_and_draws_at_random():
    everything = EXAMPLES[0]._replace(known=frozenset(passage.passage_id for passage in PASSAGES))
    batches = Batches([everything], PASSAGES, replace(QUICK, hard=7, refresh=5, negatives=3))
    batches.mined[0] = mine(student(), batches)
    assert (batches.mined[0] == NO_PASSAGE).all()
    assert not (batches.batch([0]).targets == NEGATIVE).any()
