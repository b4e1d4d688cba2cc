"""The likelihood teacher on tiny models: against a naive loop, over batches, at its limits, and by name."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.teachers import models
from workbench.errors import BadSetting, ModelUnavailable, NothingToDo
from workbench.records import Failure, Group, Passage, Query, Scored, Utility
from workbench.teachers import teacher
from workbench.teachers.likelihood.settings import LikelihoodSettings
from workbench.teachers.likelihood.teacher import Likelihood
from workbench.teachers.prompts import TEMPLATES

OIL = Passage("oil", "Oil", "The embargo of 1973 raised the price of oil.")
SEA = Passage("sea", "", "The sea is salt; rivers run to the sea, and the sea is not full.")
EMPTY = Passage("empty", "", "")
QUERY = Query("q1", "What raised the price of oil?", ("the embargo", "an embargo of 1973", "the embargo"))
GROUPS = [
    Group(QUERY, (OIL, SEA, EMPTY)),
    Group(Query("q2", "Where do rivers run?", ("the sea",)), (SEA, OIL)),
    Group(Query("q3", "Where do rivers run?", ("to the sea", "sea")), (OIL, SEA)),
    Group(Query("q4", "Who knows?", ()), (OIL, SEA)),
]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.write(tmp_path_factory.mktemp("models") / "llama")


def prepared(folder: Path, **settings: Any) -> Likelihood:
    lm_teacher = Likelihood(LikelihoodSettings(folder, **{"dtype": "float32", "device": "cpu"} | settings))
    lm_teacher.prepare()
    return lm_teacher


def scored(lm_teacher: Likelihood, groups: list[Group] = GROUPS) -> dict[tuple[str, str], Scored]:
    every = [one for batch in lm_teacher.utilities(groups) for one in batch]
    by_pair = {(one.query_id, one.passage_id): one for one in every}
    assert len(every) == len(by_pair)
    assert set(by_pair) == {(group.query.query_id, p.passage_id) for group in groups for p in group.passages}
    return by_pair


def naive(folder: Path, prompt: str, answer: str) -> float:
    """Return what a plain loop over the whole forward gives: one sequence, token after token."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).float()
    start, end = (words(text, add_special_tokens=False)["input_ids"] for text in (prompt, answer))
    total = 0.0
    for at, token in enumerate(end):
        with torch.no_grad():
            logits = model(torch.tensor([[words.bos_token_id, *start, *end[:at]]])).logits
        total += float(torch.log_softmax(logits[0, -1].double(), -1)[token])
    return total


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "gemma2"])
def test_a_utility_is_what_a_naive_loop_gives(tmp_path: Path, kind: str) -> None:
    folder = models.write(tmp_path / kind, kind)
    lm_teacher = prepared(folder)
    one = scored(lm_teacher, GROUPS[:1])["q1", "oil"]
    assert lm_teacher._open()[0]._head_on_answers
    assert isinstance(one, Utility)
    assert [likelihood.answer for likelihood in one.answers] == ["the embargo", "an embargo of 1973"]
    ask = "Question: What raised the price of oil?\nAnswer:"
    for likelihood in one.answers:
        with_passage = naive(folder, f"{OIL.content}\n\n{ask}", f" {likelihood.answer}")
        assert likelihood.with_passage == pytest.approx(with_passage, abs=1e-4)
        assert likelihood.without_passage == pytest.approx(naive(folder, ask, f" {likelihood.answer}"), abs=1e-4)
    assert abs(one.answers[0].log_likelihood_gain) > 1e-3
    assert one.value == max(likelihood.log_perplexity_reduction for likelihood in one.answers)
    total = scored(prepared(folder, normalisation="sum"), GROUPS[:1])["q1", "oil"]
    assert isinstance(total, Utility)
    assert total.value == pytest.approx(max(likelihood.log_likelihood_gain for likelihood in one.answers))


def test_all_logits_give_the_same_where_the_short_cut_is_shut(llama: Path) -> None:
    short, whole = prepared(llama), prepared(llama)
    whole._open()[0]._head_on_answers = False
    for pair, one in scored(short).items():
        other = scored(whole)[pair]
        assert isinstance(one, Failure) or one.value == pytest.approx(other.value, abs=1e-5)  # type: ignore[union-attr]


@pytest.mark.parametrize("token_budget", [1, 90, 8192])
def test_batches_order_and_padding_change_no_value(llama: Path, token_budget: int) -> None:
    alone: dict[tuple[str, str], Scored] = {}
    for group in GROUPS:
        for passage in group.passages:
            alone |= scored(prepared(llama), [Group(group.query, (passage,))])
    mixed = [Group(query, tuple(random.Random(1).sample(passages, len(passages)))) for query, passages in GROUPS[::-1]]
    together = scored(prepared(llama, token_budget=token_budget), mixed)
    assert any(isinstance(one, Utility) for one in alone.values())
    for pair, one in alone.items():
        other = together[pair]
        if isinstance(one, Failure):
            assert other == one
        else:
            assert isinstance(other, Utility)
            for here, there in zip(one.answers, other.answers, strict=True):
                assert there == pytest.approx(here, abs=1e-5)


def test_a_smaller_budget_makes_more_batches(llama: Path) -> None:
    few, many = (len(list(prepared(llama, token_budget=budget).utilities(GROUPS))) for budget in (8192, 1))
    assert few < many


def test_no_answer_and_no_room_are_failures_with_a_reason(llama: Path) -> None:
    lm_teacher = prepared(llama, max_tokens=40)
    blank, long = Query("blank", "Where?", (" ",)), Query("long", "Where do rivers run? " * 9, ("the sea",))
    results = scored(lm_teacher, [Group(query, (OIL,)) for query in (blank, long)])
    for query_id, reason in (("blank", "no reference answer"), ("long", "no room")):
        failure = results[query_id, "oil"]
        assert isinstance(failure, Failure)
        assert reason in failure.reason
        assert failure.teacher == lm_teacher.name


def test_a_prompt_without_passage_that_is_too_long_is_a_failure(llama: Path) -> None:
    wordy = replace(TEMPLATES["plain"], without_passage=f"{'Answer from memory. ' * 20}Question: {{query}}\nAnswer:")
    result = scored(prepared(llama, template=wordy, max_tokens=60), GROUPS[:1])
    assert all(isinstance(one, Failure) and "no room" in one.reason for one in result.values())


@pytest.mark.parametrize("limit", [{"max_passage_tokens": 5}, {"max_tokens": 30}])
def test_only_the_passage_is_cut(llama: Path, limit: dict[str, int]) -> None:
    words = models.tokenizer()
    lm_teacher = prepared(llama, **limit)
    pairs, _ = lm_teacher._pairs([Group(QUERY, (OIL,))])
    pair = pairs[0].wordings[0]
    ids = [int(token) for token in pair.prompt]
    answer = max(len(ids) for ids in pair.answers.values())
    ask = words("\n\nQuestion: What raised the price of oil?\nAnswer:", add_special_tokens=False)["input_ids"]
    passage = words(OIL.content, add_special_tokens=False)["input_ids"]
    assert ids[0] == words.bos_token_id
    assert ids[-len(ask) :] == ask
    remaining = ids[1 : -len(ask)]
    assert remaining == passage[: len(remaining)]
    assert len(remaining) == limit.get("max_passage_tokens", 30 - 1 - len(ask) - answer)
    one = scored(lm_teacher, [Group(QUERY, (OIL, EMPTY))])
    assert [one["q1", name].truncated for name in ("oil", "empty")] == [len(passage) - len(remaining), 0]  # type: ignore[union-attr]


def test_no_limit_known_asks_for_one(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.teachers.likelihood.causal import CausalModel

    assert prepared(llama)._open()[0].limit == 200
    monkeypatch.setattr(CausalModel, "limit", None)
    with pytest.raises(BadSetting, match="max_tokens"):
        scored(prepared(llama))
    assert scored(prepared(llama, max_tokens=150))


def test_numbers_that_are_not_finite_are_failures(llama: Path) -> None:
    lm_teacher = prepared(llama)
    causal, _ = lm_teacher._open()
    causal.log_likelihoods = lambda continuations, *_: [float("nan") for _ in continuations]  # type: ignore[method-assign]
    result = scored(lm_teacher, GROUPS[:1])
    assert all(isinstance(one, Failure) and "finite" in one.reason for one in result.values())


def test_a_batch_that_exceeds_memory_is_halved(llama: Path) -> None:
    import torch

    plain, lm_teacher = prepared(llama), prepared(llama)
    causal, _ = lm_teacher._open()
    forward, sizes = causal._forward, []

    def narrow(layout: Any, past: Any) -> list[float]:
        sizes.append(layout.owners[-1] + 1)
        if sizes[-1] > 2:
            raise torch.OutOfMemoryError
        return forward(layout, past)

    causal._forward = narrow  # type: ignore[method-assign]
    expected = scored(plain)
    for pair, one in scored(lm_teacher).items():
        assert isinstance(one, Failure) or one.value == pytest.approx(expected[pair].value, abs=1e-5)  # type: ignore[union-attr]
    assert max(sizes) > 2


def test_logits_in_memory_are_bounded(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.teachers.likelihood import causal

    expected, lm_teacher = scored(prepared(llama)), prepared(llama)
    model, _ = lm_teacher._open()
    forward, layouts = model._forward, []
    model._forward = lambda layout, past: layouts.append(layout) or forward(layout, past)  # type: ignore[method-assign,func-returns-value]
    monkeypatch.setitem(causal.ROW_TOKENS, "cpu", 40)
    monkeypatch.setitem(causal.LOGITS_AT_ONCE, "cpu", 8 * model._model.config.vocab_size)
    for pair, one in scored(lm_teacher).items():
        assert isinstance(one, Failure) or one.value == pytest.approx(expected[pair].value, abs=1e-5)  # type: ignore[union-attr]
    assert len(layouts) > 2
    assert all(len(layout.rows) <= 8 or len(layout.ids) == 1 for layout in layouts)


def test_a_stopped_walk_can_be_taken_again(llama: Path) -> None:
    lm_teacher = prepared(llama, token_budget=1)
    walk = lm_teacher.utilities(GROUPS)
    next(walk)
    walk.close()
    assert scored(lm_teacher) == scored(prepared(llama, token_budget=1))


@pytest.mark.parametrize(
    "settings",
    [
        {"normalisation": "sum"},
        {"dtype": "bfloat16"},
        {"bos": False},
        {"max_tokens": 100},
        {"max_passage_tokens": 100},
        {"template": replace(TEMPLATES["plain"], answer="{answer}")},
        {"template": replace(TEMPLATES["plain"], name="other")},
    ],
)
def test_another_setting_is_another_name(llama: Path, settings: dict[str, Any]) -> None:
    assert prepared(llama, **settings).name != prepared(llama).name
    assert prepared(llama, token_budget=7).name == prepared(llama).name


def test_the_name_says_the_recipe_and_follows_the_weights(llama: Path, tmp_path: Path) -> None:
    import re

    other = models.write(tmp_path / "llama", seed=1)
    assert re.fullmatch(r"likelihood:llama-[0-9a-f]{6}:plain-[0-9a-f]{6}:mean:float32", prepared(llama).name)
    assert prepared(other).name != prepared(llama).name
    assert prepared(models.write(tmp_path / "my model")).name.count(" ") == 0
    with pytest.raises(NothingToDo, match="prepare"):
        _ = teacher("likelihood", model=str(llama)).name


def test_a_model_out_of_reach_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    def unreachable(name: str, **_: object) -> str:
        raise FileNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    for name in ("someone/somewhere", str(tmp_path)):
        with pytest.raises(ModelUnavailable) as caught:
            prepared(Path(name))
        assert name in caught.value.problem
        assert caught.value.hint


@pytest.mark.parametrize(("kind", "says"), [("two-way", "reads ahead"), ("encoder", "lacks weights")])
def test_what_is_no_causal_language_model_is_refused(tmp_path: Path, kind: str, says: str) -> None:
    with pytest.raises(ModelUnavailable, match=says):
        scored(prepared(models.write(tmp_path / kind, kind)))


def test_a_folder_that_does_not_open_is_refused(llama: Path, tmp_path: Path) -> None:
    for file in llama.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelUnavailable, match="does not open"):
        scored(prepared(tmp_path))
