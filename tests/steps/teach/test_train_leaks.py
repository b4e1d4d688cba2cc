"""A training says what its dev and test queries share with train."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell import worked
from tests.steps.classes import TOPICS, base, collection
from workbench.records import Passage, Qrel, Query
from workbench.steps.data.splits.split import split
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.train import train
from workbench.students import trained
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


@pytest.mark.slow
def test_the_gain_on_unseen_dev_queries_stands_beside_the_whole(tmp_path: Path) -> None:
    store, untrained = collection(tmp_path / "workspace"), base(tmp_path / "base")
    store.add_collection(
        [Query("apart", "question0 x0 of", (), "dev")],
        [Passage("apart", "", "of question0 x0 answer0")],
        [Qrel("apart", "apart", 1)],
    )
    first = train(store, plan(store, untrained, "toy", QUICK), stop=lambda: True)
    assert first.trained.stopped == "asked"
    result = train(store, plan(store, untrained, "toy", QUICK))  # goes on, and still knows of the base
    before, after = result.trained.unseen_before, result.trained.unseen_after
    assert before is not None
    assert after is not None
    assert before == first.trained.unseen_before
    history = result.to_frame()
    assert history["dev_unseen"].iloc[0] == before
    assert history["dev_unseen"][history["step"] == result.trained.best_step].iloc[0] == after
    sentence = f"on the unseen ones nDCG@10 {before:.3f} to {after:.3f} ({after - before:+.3f})."
    assert sentence in result.in_words
    student = next(student for student in trained(store.students) if student.name == result.student)
    assert student.recipe["outcome"]["unseen_after"] == after
    assert train(store, plan(store, untrained, "toy", QUICK)).in_words == result.in_words, "it is read from the folder"
    split(store, by="passages")
    apart = train(store, plan(store, untrained, "toy", QUICK))
    assert apart.trained.unseen_before is None
