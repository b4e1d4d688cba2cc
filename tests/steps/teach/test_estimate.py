"""What a training will take: counted from batches as they will be drawn, and from what a base costs here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import tiny
from tests.steps.classes import WORDS
from tests.steps.teach.quick import QUICK
from tests.trainer.conftest import save_bert
from workbench.columns.examples import Examples
from workbench.records import Example, Passage, Query
from workbench.steps.teach.planning.base_costs import base_facts
from workbench.steps.teach.planning.estimate import estimate
from workbench.steps.teach.planning.plan import NOT_ESTIMATED, plan
from workbench.store import Store, views
from workbench.students.names import find
from workbench.trainer import BaseFacts, TrainSettings, resolve
from workbench.trainer.base_facts import Lengths, TokenCosts

FACTS = BaseFacts(
    False,
    lengths=Lengths((10,) * 101, 10.0),
    costs=TokenCosts("float32", 1e-3, 3e-4, 8e-4, activations=1.0, weights=1, stored_bytes=1.0),
)


@pytest.fixture
def bert(tmp_path: Path) -> str:
    return str(tiny.bert(tmp_path / "bert", words=WORDS))


def seconds_a_step(store: Store, base: str, settings: TrainSettings, examples: Examples) -> float:
    resolved = resolve(settings, examples, FACTS)
    expected = estimate(store, find(base, store.students), FACTS, resolved, examples)
    assert expected
    return expected.timing.step


def test_queries_of_one_topic_read_fewer_passages(school: Store, bert: str) -> None:
    # Six questions of each topic have the same candidates: together they read them once.
    passages = {
        topic: tuple(Passage(f"{topic}-{n}", "", f"answer{topic} x{n}") for n in range(4)) for topic in range(8)
    }
    records = [
        Example(Query(f"{topic}-{n}", f"question{topic}", (), "train"), own, (2.0, 1.0, 0.0, -1.0), frozenset())
        for topic, own in passages.items()
        for n in range(6)
    ]
    examples = Examples.of(records, ())
    settings = replace(QUICK, batch_size=8, negatives=0)
    apart, together = (seconds_a_step(school, bert, replace(settings, topics=topics), examples) for topics in (0, 4))
    assert together < 0.9 * apart
    assert together >= (8 + 4 * 4 / 2) * 10 * 1e-3, "never fewer than those of two topics"


def test_frozen_layers_are_computed_once_so_a_longer_training_has_shorter_steps(school: Store, bert: str) -> None:
    examples = views.examples(school, "toy", "train")
    settings = replace(QUICK, topics=0, frozen_layers=1)
    once, often = (seconds_a_step(school, bert, replace(settings, steps=steps), examples) for steps in (1, 1_000))
    assert often == pytest.approx(0.8 * once, rel=0.02)


def test_what_frozen_layers_save_is_measured(school: Store, tmp_path: Path) -> None:
    examples, bert = views.examples(school, "toy", "train"), str(save_bert(tmp_path / "two-layers"))
    of_all = base_facts(school, find(bert, school.students), QUICK, examples).costs
    upper = base_facts(school, find(bert, school.students), replace(QUICK, frozen_layers=1), examples).costs
    assert of_all and upper
    assert (of_all.stored_seconds, of_all.stored_bytes) == (of_all.seconds, 0.0)
    assert upper.stored_seconds <= upper.seconds
    assert upper.stored_bytes > 0


def test_a_student_without_layers_says_that_nothing_is_estimated(school: Store, untrained: str) -> None:
    planned = plan(school, untrained, "toy", QUICK)
    assert planned.estimate is None
    assert NOT_ESTIMATED in planned.in_words


@pytest.mark.parametrize("content", ["[]", "null", "{", '"costs"', "{key: 3}", '{key: {"seconds": 1.0}}', "{key: []}"])
def test_what_another_version_remembered_is_measured_anew(school: Store, bert: str, content: str) -> None:
    examples, student = views.examples(school, "toy", "train"), find(bert, school.students)
    first = base_facts(school, student, QUICK, examples)
    (file,) = school.vectors.glob("*-training.json")
    keys = [line.strip().partition('": ')[0] + '"' for line in file.read_text("utf-8").splitlines() if " in " in line]
    for key in keys or ['"nothing"']:
        file.write_text(content.replace("key", key), "utf-8")
        assert base_facts(school, student, QUICK, examples).lengths == first.lengths
    assert base_facts(school, student, QUICK, examples) == base_facts(school, student, QUICK, examples), "remembered"
