"""A training says what its dev and test queries share with train."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell import worked
from tests.steps.classes import TOPICS, base, collection
from workbench.steps.data.splits.split import split
from workbench.steps.teach.plan import plan
from workbench.steps.teach.train import train
from workbench.trainer import TrainSettings

QUICK = TrainSettings(steps=4, evaluate_every=2, batch_size=4, learning_rate=0.05)


@pytest.mark.slow
def test_a_plan_and_a_training_say_what_leaks_and_nothing_where_nothing_does(tmp_path: Path) -> None:
    store, untrained = collection(tmp_path / "workspace"), base(tmp_path / "base")
    planned = plan(store, untrained, "toy", QUICK)
    assert f"{TOPICS} of {TOPICS} dev queries are seen in train" in planned.in_words
    result = train(store, planned)
    assert f"{TOPICS} of {TOPICS} dev queries are seen in train" in result.in_words
    assert "There a gain on dev may be memory." in result.in_words
    arguments = ["train", untrained, "--teacher", "toy", "--steps", 4, "--evaluate-every", 2, "--batch-size", 4]
    assert "test queries are seen in train" in worked(*arguments, workspace=store.path).err
    split(store, by="passages")
    planned = plan(store, untrained, "toy", QUICK)
    assert "seen" not in planned.in_words
    assert "seen" not in train(store, planned).in_words
