"""The attention teacher on tiny models: against attention of the whole prompt, over windows, at its limits, by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.teachers import models
from workbench.errors import BadSetting, ModelUnavailable, NothingToDo
from workbench.records import Failure, Group, Passage, Query, Scored
from workbench.teachers import teacher
from workbench.teachers.attention import teacher as icr
from workbench.teachers.attention.settings import AttentionSettings
from workbench.teachers.attention.teacher import Attention, calibrated

OIL = Passage("oil", "Oil", "The embargo raised the price.")
SEA = Passage("sea", "", "Rivers run to the sea.")
EMPTY = Passage("empty", "", "")
QUERY = Query("q1", "What raised the price?")


def prepared(folder: Path, **settings: Any) -> Attention:
    one = Attention(AttentionSettings(folder, **{"dtype": "float32", "device": "cpu"} | settings))
    one.prepare()
    return one


def scored(one: Attention, *groups: Group) -> dict[tuple[str, str], Scored]:
    every = [row for batch in one.utilities(groups) for row in batch]
    by_pair = {(row.query_id, row.passage_id): row for row in every}
    assert len(every) == len(by_pair)
    assert set(by_pair) == {(group.query.query_id, p.passage_id) for group in groups for p in group.passages}
    return by_pair


def sliding(folder: Path) -> Path:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"sliding_window": 16}))
    return folder


def naive(folder: Path, query: str, order: list[Passage]) -> dict[str, float]:
    """Return the calibrated attention from one forward of each whole prompt, token by token."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").float()

    def ids(text: str) -> list[int]:
        return words(text, add_special_tokens=False)["input_ids"]

    attended = []
    for text in (query, "N/A"):
        whole, spans = [words.bos_token_id, *ids(icr.BEFORE)], {}
        for number, passage in enumerate(order, start=1):
            whole += ids(f"\n\n[{number}]")
            of_passage = ids(f" {passage.content}") if passage.content else []
            spans[passage.passage_id] = range(len(whole), len(whole) + len(of_passage))
            whole += of_passage
        whole += ids(icr.AFTER)
        start = len(whole)
        whole += ids(f" {text}")
        with torch.no_grad():
            layers = model(torch.tensor([whole]), output_attentions=True).attentions
        total = np.zeros(len(whole))
        for layer in layers:
            for head in layer[0]:
                total += head[start:].mean(0).numpy()
        attended.append({key: total[list(span)] for key, span in spans.items()})
    result = {}
    for key, tokens in attended[0].items():
        difference = tokens - attended[1][key]
        spread = difference.std(ddof=1) if len(difference) > 1 else np.inf
        least = difference.mean() - 2 * spread if len(difference) else 0
        result[key] = float(sum(value for value in difference if value > least))
    return result


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "bert", "sliding"])
def test_a_utility_is_what_whole_prompts_attend_to(tmp_path: Path, kind: str) -> None:
    folder = models.write(tmp_path / kind, "gemma2" if kind == "sliding" else kind)
    one = prepared(sliding(folder) if kind == "sliding" else folder)
    rows = scored(one, Group(QUERY, (OIL, SEA, EMPTY)))
    orders = [
        [OIL, SEA, EMPTY],
        [OIL, EMPTY, SEA],
        [SEA, OIL, EMPTY],
        [SEA, EMPTY, OIL],
        [EMPTY, OIL, SEA],
        [EMPTY, SEA, OIL],
    ]
    values = {passage_id: row.value for (_, passage_id), row in rows.items()}  # type: ignore[union-attr]
    assert any(values == pytest.approx(naive(folder, QUERY.text, order), abs=1e-5) for order in orders)
    assert values["empty"] == 0.0
    assert abs(values["oil"]) > 1e-4
    assert one.unit == "attention"


def test_the_calibration_query_itself_finds_nothing(tmp_path: Path) -> None:
    one = prepared(models.write(tmp_path / "llama"))
    rows = scored(one, Group(Query("q", "N/A"), (OIL, SEA)))
    assert [row.value for row in rows.values()] == pytest.approx([0.0, 0.0], abs=1e-6)  # type: ignore[union-attr]


def test_tokens_far_below_their_passages_mean_are_left_out() -> None:
    even, nothing = np.full(30, 0.1), np.zeros(30)
    assert calibrated(even, nothing) == pytest.approx(3.0)
    with_outlier = even.copy()
    with_outlier[4] = -5.0
    assert calibrated(with_outlier, nothing) == pytest.approx(2.9)
    assert calibrated(np.array([0.5]), np.array([0.2])) == pytest.approx(0.3)
    assert calibrated(np.array([]), np.array([])) == 0.0
    assert np.isnan(calibrated(np.array([np.nan, 1.0]), np.zeros(2)))


def test_what_does_not_fit_comes_in_windows_of_like_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = prepared(models.write(tmp_path / "llama"))
    sizes: list[int] = []
    plain = Attention._scored
    monkeypatch.setattr(Attention, "_scored", lambda *given: (sizes.append(len(given[2])), plain(*given))[1])
    passages = tuple(Passage(f"p{number}", "", f"Rivers run to the sea {number}.") for number in range(20))
    scored(one, Group(QUERY, passages))
    assert len(sizes) > 1
    assert sum(sizes) == 20
    assert max(sizes) - min(sizes) <= 1


def test_long_passages_are_cut_and_say_so(tmp_path: Path) -> None:
    folder = models.write(tmp_path / "llama")
    long = Passage("long", "", "salt sea " * 200)
    rows = scored(prepared(folder), Group(QUERY, (long, SEA)))
    assert rows["q1", "long"].truncated > 100  # type: ignore[union-attr]
    rows = scored(prepared(folder, max_passage_tokens=2), Group(QUERY, (SEA,)))
    assert rows["q1", "sea"].truncated > 0  # type: ignore[union-attr]


def test_a_query_that_fills_the_prompt_is_a_failure(tmp_path: Path) -> None:
    one = prepared(models.write(tmp_path / "llama"))
    long, blank = Query("long", "salt sea " * 200), Query("blank", " ")
    rows = scored(one, Group(long, (OIL,)), Group(blank, (OIL,)), Group(QUERY, (OIL,)))
    assert "no room" in rows["long", "oil"].reason  # type: ignore[union-attr]
    assert "no tokens" in rows["blank", "oil"].reason  # type: ignore[union-attr]
    assert not isinstance(rows["q1", "oil"], Failure)


def test_a_chat_template_comes_before_the_passages(tmp_path: Path) -> None:
    folder = models.write(tmp_path / "llama")
    words = models.tokenizer()
    words.chat_template = "{% for message in messages %}<s>{{ message.role }}: {{ message.content }}</s>{% endfor %}"
    words.save_pretrained(folder)
    model = prepared(folder)._open()
    assert words.decode(model.beginning) == "<s>user: "
    assert words.bos_token_id not in model.ids("<s> is text here")


def test_what_changes_a_number_changes_the_name(tmp_path: Path) -> None:
    folder = models.write(tmp_path / "llama")
    settings: list[dict[str, Any]] = [
        {},
        {"seed": 1},
        {"calibration": "?"},
        {"max_tokens": 90},
        {"max_passage_tokens": 5},
    ]
    assert len({prepared(folder, **one).name for one in settings}) == len(settings)


@pytest.mark.parametrize("settings", [{"calibration": " "}, {"seed": -1}, {"max_tokens": 0}, {"dtype": "int8"}])
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting):
        teacher("attention", model="anything", **settings)


def test_a_model_that_reads_ahead_is_refused(tmp_path: Path) -> None:
    one = prepared(models.write(tmp_path / "two-way", "two-way"))
    with pytest.raises(ModelUnavailable, match="reads ahead"):
        scored(one, Group(QUERY, (OIL,)))
    with pytest.raises(NothingToDo):
        _ = Attention(AttentionSettings("x")).name
