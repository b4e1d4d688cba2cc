"""Resolved settings: what was left open is decided once, by the examples, the base, the method and the machine."""

from dataclasses import replace
from typing import Any

import pytest

from tests.trainer.toy import EXAMPLES, with_utilities
from workbench import machine
from workbench.errors import BadSetting, NothingToDo
from workbench.students.methods import METHODS
from workbench.trainer import PRESETS, BaseFacts, TrainSettings, natural_temperature, preset, resolve, settings_used
from workbench.trainer.base_facts import Lengths, TokenCosts

OPEN = TrainSettings()


def test_the_natural_temperature_follows_the_teacher_s_unit():
    examples = [with_utilities(example, [3.0 * value for value in example.utilities]) for example in EXAMPLES]
    assert natural_temperature(examples) == pytest.approx(3 * natural_temperature(EXAMPLES))
    flat = [with_utilities(example, [1.0] * len(example.utilities)) for example in EXAMPLES]
    assert natural_temperature([*flat, EXAMPLES[0]]) == natural_temperature(EXAMPLES[:1])
    with pytest.raises(NothingToDo, match="equally"):
        natural_temperature(flat)


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_no_number_is_left_open_whatever_the_method_and_the_base(method: str, static: bool) -> None:
    for start in ({}, *map(preset, PRESETS)):
        resolved = resolve(TrainSettings(**{**start, "method": method}), EXAMPLES, BaseFacts(static, 384))
        assert resolved.teacher_temperature == natural_temperature(EXAMPLES)
        own = METHODS[method].rate(static)
        assert resolved.learning_rate == (own if own is not None else 2e-3 if static else 6e-5)
        assert resolved.rank == METHODS[method].rank
        assert resolved.precision in ("float32", "bfloat16")


def test_what_was_asked_for_stays() -> None:
    asked = TrainSettings(
        method="adapter", teacher_temperature=0.3, learning_rate=0.1, rank=3, precision="bfloat16",
        batch_size=6, candidates=5, negatives=0, topics=1, dropout=None,
    )  # fmt: skip
    resolved = resolve(asked, EXAMPLES, BaseFacts(False, 8))
    assert resolved.beyond(asked) == {}
    assert resolved.beyond(OPEN) == {
        "method": "adapter", "teacher_temperature": 0.3, "learning_rate": 0.1, "rank": 3, "precision": "bfloat16",
        "batch_size": 6, "candidates": 5, "negatives": 0, "topics": 1, "dropout": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "static", "fast", "precision"),
    [
        ({}, False, True, "bfloat16"),
        ({}, False, False, "float32"),
        ({}, True, True, "float32"),
        ({"precision": "bfloat16"}, True, True, "float32"),  # a table of vectors has nothing to gain
        ({"precision": "bfloat16"}, False, False, "bfloat16"),
        ({"precision": "float32"}, False, True, "float32"),
        ({"method": "adapter"}, False, True, "float32"),
        ({"method": "adapter", "precision": "bfloat16"}, False, True, "bfloat16"),
    ],
)
def test_precision_follows_the_machine_where_layers_calculate(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], static: bool, fast: bool, precision: str
) -> None:
    monkeypatch.setattr(machine, "fast_bfloat16", lambda device: fast)
    assert resolve(TrainSettings(**asked), EXAMPLES, BaseFacts(static, 8)).precision == precision


def test_a_transformer_on_a_cpu_begins_with_fewer_passages_and_reads_all_but_the_longest_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = Lengths(tuple(range(100, 201)), 9.0)
    measured = BaseFacts(False, lengths=counted, costs=TokenCosts("float32", 1e-4, 3e-5, 1e-4, 1e5, 10**6, 0.0, 0.9))
    monkeypatch.setattr(machine, "fast_bfloat16", lambda device: True)
    slow = resolve(OPEN, EXAMPLES, measured)
    assert (slow.candidates, slow.negatives, slow.max_tokens, slow.precision) == (2, 0, 199, "float32")
    assert (slow.batch_size, slow.topics) == (64, 2)
    assert resolve(replace(OPEN, candidates=8), EXAMPLES, measured).batch_size == 32
    assert resolve(replace(OPEN, refresh=5), EXAMPLES, measured).negatives == 4
    assert resolve(OPEN, EXAMPLES, BaseFacts(False, dense=False)).topics == 0
    with pytest.raises(BadSetting, match="topics"):
        resolve(replace(OPEN, topics=2), EXAMPLES, BaseFacts(False, dense=False))
    asked = replace(OPEN, batch_size=9, candidates=3, negatives=0, max_tokens=50, precision="bfloat16", topics=0)
    assert resolve(asked, EXAMPLES, measured).beyond(asked).keys() == {"teacher_temperature", "learning_rate"}
    static = resolve(OPEN, EXAMPLES, BaseFacts(True))
    adapter = resolve(replace(OPEN, method="adapter"), EXAMPLES, BaseFacts(False, 8))
    monkeypatch.setattr(machine, "best_device", lambda: "cuda")
    fast = resolve(OPEN, EXAMPLES, measured)
    for resolved in (static, adapter, fast):
        numbers = resolved.batch_size, resolved.candidates, resolved.negatives, resolved.topics
        assert numbers == (32, 16, 4, 0)
    assert (static.max_tokens, adapter.max_tokens) == (None, None)
    assert (static.dropout, adapter.dropout, slow.dropout) == (None, None, 0.0)


def test_a_change_of_short_vectors_has_no_higher_rank_than_they_are_long() -> None:
    settings = TrainSettings(method="adapter")
    assert resolve(settings, EXAMPLES, BaseFacts(True, 8)).rank == 8
    assert resolve(replace(settings, rank=9), EXAMPLES, BaseFacts(True, 8)).rank == 9  # refused by the method
    assert resolve(replace(settings, method="full"), EXAMPLES, BaseFacts(True, 8)).rank is None


def test_each_process_has_equally_many_parts_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert resolve(replace(OPEN, accumulate=2), EXAMPLES, BaseFacts(True)).accumulate == 4
    assert resolve(replace(OPEN, accumulate=8), EXAMPLES, BaseFacts(True)).accumulate == 8
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(BadSetting, match="do not split into equal parts"):
        resolve(OPEN, EXAMPLES, BaseFacts(True))


def test_a_recipe_tells_the_settings_that_were_used_in_its_own_words_or_former_ones() -> None:
    recipe = {"settings": {"loss": "kl", "learning_rate": None}, "resolved": {"learning_rate": 0.5}}
    former = {"settings": {"loss": "kl", "learning_rate": None}, "outcome": {"learning_rate": 0.5, "steps": 3}}
    for written in (recipe, former):
        used = settings_used(written)
        assert (used["loss"], used["learning_rate"], used["steps"]) == ("kl", 0.5, OPEN.steps)


def test_a_recipe_older_than_a_setting_was_made_with_what_was_usual_then() -> None:
    used = settings_used({"settings": {"loss": "kl"}})
    then = {"dropout": None, "batch_size": 32, "candidates": 16, "negatives": 4, "topics": 0, "frozen_layers": 0}
    assert {name: used[name] for name in then} == then
