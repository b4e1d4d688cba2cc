"""Utilities with and without reuse of what prompts share, against one plain forward a sequence: within 1e-4 nats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.teachers import models
from tests.teachers.likelihood.test_teacher import prepared, scored
from workbench.records import Group, Passage, Query, Utility
from workbench.teachers.likelihood.teacher import Likelihood
from workbench.teachers.prompts import TEMPLATES, Template

PASSAGES = (
    Passage("oil", "Oil", "The embargo of 1973 raised the price of oil."),
    Passage("sea", "", "The sea is salt; rivers run to the sea, and the sea is not full."),
    Passage("empty", "", ""),
    Passage("long", "Long", "Where do rivers run? To the sea, and the sea is not full. " * 30),
)
GROUPS = [
    Group(
        Query("q1", "What raised the price of oil?", ("the embargo", " an embargo of 1973", "\u00e9mbargo")), PASSAGES
    ),
    Group(Query("q2", "Where do rivers run?", ("the sea",)), PASSAGES[::-1]),
    Group(Query("q3", "Where do the rivers run to?", ("to the sea", "sea")), PASSAGES),
    Group(Query("q4", "  ", ("\u00a0salt",)), PASSAGES[:3]),
]
QUESTION_FIRST = TEMPLATES["question-first"]
SPELLED = Template(
    "spelled", "<s>{content}[SEP]{query}[SEP]A:", "<s>{query}[SEP]A:", "{answer}</s>", ("<s>", "[SEP]", "</s>")
)


def plain(lm_teacher: Likelihood, groups: list[Group] = GROUPS) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Return log-likelihoods with and without the passage by (query, passage, answer): each sequence alone."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(lm_teacher._checkpoint.folder).float().eval()  # type: ignore[union-attr]
    model.config.use_cache = False

    def alone(prompt: Any, answer: Any) -> float:
        with torch.no_grad():
            whole = torch.tensor([[*map(int, prompt), *map(int, answer)]])
            log_probabilities = model(whole).logits[0, len(prompt) - 1 : -1].double().log_softmax(-1)
        return float(log_probabilities.gather(1, whole[0, len(prompt) :, None]).sum())

    pairs, failures = lm_teacher._pairs(groups)
    assert not failures
    return {
        (pair.query.query_id, pair.passage.passage_id, answer): (
            alone(pair.prompt, ids), alone(pair.prompt_without_passage, ids)
        )
        for worded in pairs for pair in worded.wordings for answer, ids in pair.answers.items()
    }  # fmt: skip


def check(lm_teacher: Likelihood, expected: dict[tuple[str, str, str], tuple[float, float]]) -> None:
    read = {
        (query_id, passage_id, likelihood.answer): likelihood
        for (query_id, passage_id), row in scored(lm_teacher, GROUPS).items()
        if isinstance(row, Utility)
        for likelihood in row.answers
    }
    assert set(read) == set(expected)
    for key, (with_passage, without_passage) in expected.items():
        assert read[key].with_passage == pytest.approx(with_passage, abs=1e-4, rel=0)
        assert read[key].without_passage == pytest.approx(without_passage, abs=1e-4, rel=0)


# Rotary and absolute positions, tied and untied heads, and sliding windows of 16 tokens in all layers or in one of two.
MODELS = ["llama", "llama-tied", "gpt2", "bert", "gemma2", "mistral", "gemma3"]
WINDOWED = ("mistral", "gemma3")  # no tree is laid out in a window


@pytest.mark.parametrize("kind", MODELS)
def test_reuse_changes_no_utility(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.teachers.likelihood import causal

    monkeypatch.setitem(causal.FORWARD_COST, "cpu", 4)
    monkeypatch.setitem(causal.ROW_TOKENS, "cpu", 60)
    lm_teacher = prepared(models.write(tmp_path / kind, kind))
    expected = plain(lm_teacher)
    model, _ = lm_teacher._open()
    assert model.reuses_keys
    assert model.reads_trees == (kind not in WINDOWED)
    shared: list[int] = []
    past = model._past
    model._past = lambda beginning: shared.append(len(beginning)) or past(beginning)  # type: ignore[method-assign,func-returns-value]
    check(lm_teacher, expected)
    assert max(shared) > 100, "the long passage was read once"
    shared.clear()
    model.reuses_keys = False
    check(lm_teacher, expected)
    assert not shared
    if model.reads_trees:
        model.reads_trees = False
        check(lm_teacher, expected)
        model.reuses_keys = True
        check(lm_teacher, expected)
        assert max(shared) > 100


@pytest.mark.parametrize("template", [TEMPLATES["plain"], QUESTION_FIRST, SPELLED], ids=lambda template: template.name)
@pytest.mark.parametrize(
    "settings", [{"padding_side": "left"}, {"padding_side": "right"}, {"bos_token": None}], ids=str
)
@pytest.mark.parametrize("token_budget", [1, 8192])
def test_tokenizers_templates_and_budgets_change_nothing(
    tmp_path: Path, template: Template, settings: dict[str, Any], token_budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.teachers.likelihood import causal

    monkeypatch.setitem(causal.FORWARD_COST, "cpu", 4)
    monkeypatch.setitem(causal.ROW_TOKENS, "cpu", 60)
    folder = models.write(tmp_path / "gpt2", "gpt2", **settings)
    bos = False if "bos_token" in settings and template is not SPELLED else None
    lm_teacher = prepared(folder, template=template, token_budget=token_budget, bos=bos)
    check(lm_teacher, plain(lm_teacher))


def test_a_model_whose_keys_cannot_be_reused_reads_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.teachers.likelihood import causal

    def refused(*_: Any) -> Any:
        raise AttributeError("no such cache")

    monkeypatch.setattr(causal.Past, "repeated", refused)
    lm_teacher = prepared(models.write(tmp_path / "llama"))
    assert not lm_teacher._open()[0].reuses_keys
    check(lm_teacher, plain(lm_teacher))


def test_keys_that_give_other_numbers_are_not_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.teachers.likelihood import causal

    repeated = causal.Past.repeated

    def wrong(self: Any, rows: int) -> Any:
        cache = repeated(self, rows)
        cache.layers[0].keys *= 1.5
        return cache

    monkeypatch.setattr(causal.Past, "repeated", wrong)
    assert not prepared(models.write(tmp_path / "llama"))._open()[0].reuses_keys


def test_the_first_utilities_do_not_wait_for_all_that_is_read_without_a_passage(tmp_path: Path) -> None:
    lm_teacher = prepared(models.write(tmp_path / "llama"), token_budget=250)
    model, _ = lm_teacher._open()
    read: list[int] = []
    log_likelihoods = model.log_likelihoods
    model.log_likelihoods = lambda batch, *rest: read.append(len(batch)) or log_likelihoods(batch, *rest)  # type: ignore[method-assign,func-returns-value]
    passages = [Passage(f"p{number}", "", f"{number} " * 40) for number in range(40)]
    groups = [Group(Query(f"q{number}", f"What is {number}?", ("oil",)), (passages[number],)) for number in range(40)]
    steps = iter(lm_teacher.utilities(groups))
    first = len(next(steps))
    assert sum(read) == 2 * first, "so many with a passage, and so many without"
    assert first + sum(len(batch) for batch in steps) == 40
    assert sum(read) == 80, "nothing is read twice"
