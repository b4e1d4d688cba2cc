"""The cross-encoder teacher on tiny models: against a plain forward, its unit, its limits, and by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from workbench.errors import BadSetting, ModelUnavailable, NothingToDo
from workbench.records import Group, Passage, Query, Scored, Utility
from workbench.teachers import teacher
from workbench.teachers.cross_encoder import CrossEncoder, CrossEncoderSettings

GROUPS = [
    Group(
        Query("-1", "what raised the price"),
        (Passage("oil", "oil", "the embargo of 1973 raised the price"), Passage("empty", "", "")),
    ),
    Group(Query("q 2", "where do rivers run"), (Passage("sea", "", "rivers run to the sea"), Passage("é", "", "salt"))),
]


def write(folder: Path, labels: int = 1, headless: bool = False) -> Path:
    """Write a one-layer encoder with a head for pairs, large enough weights to have opinions."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tiny.WORDS) + 2, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, num_labels=labels, initializer_range=0.5,
    )  # fmt: skip
    (BertModel if headless else BertForSequenceClassification)(config).save_pretrained(folder)
    words = tiny.tokenizer()
    words.no_truncation()
    fast = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64)
    fast.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("models") / "pairs")


def prepared(folder: Path, **settings: Any) -> CrossEncoder:
    one = CrossEncoder(CrossEncoderSettings(folder, **{"dtype": "float32", "device": "cpu"} | settings))
    one.prepare()
    return one


def scored(one: CrossEncoder) -> dict[tuple[str, str], Scored]:
    every = [row for batch in one.utilities(GROUPS) for row in batch]
    by_pair = {(row.query_id, row.passage_id): row for row in every}
    assert len(every) == len(by_pair) == 4
    return by_pair


def plain_logit(folder: Path, query: str, content: str) -> float:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    words, model = AutoTokenizer.from_pretrained(folder), AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        return float(model(**words(query, content, return_tensors="pt")).logits[0, 0])


def test_a_utility_is_what_a_plain_forward_gives(folder: Path) -> None:
    import torch

    logits = prepared(folder, activation="none", batch_size=3)
    probabilities = prepared(folder)
    assert (logits.unit, probabilities.unit) == ("logit", "probability")
    of_logits, of_probabilities = scored(logits), scored(probabilities)
    for group in GROUPS:
        for passage in group.passages:
            pair = group.query.query_id, passage.passage_id
            expected = plain_logit(folder, group.query.text, passage.content)
            assert of_logits[pair].value == pytest.approx(expected, abs=1e-5)  # type: ignore[union-attr]
            likely = float(torch.tensor(expected).sigmoid())
            assert of_probabilities[pair].value == pytest.approx(likely, abs=1e-5)  # type: ignore[union-attr]
    assert len({round(row.value, 4) for row in of_logits.values()}) == 4  # type: ignore[union-attr]


def test_the_unit_follows_the_activation_of_the_model(folder: Path, tmp_path: Path) -> None:
    copy = write(tmp_path / "identity")
    config = json.loads((copy / "config.json").read_text())
    activation = {"activation_fn": "torch.nn.modules.linear.Identity"}
    (copy / "config.json").write_text(json.dumps(config | {"sentence_transformers": activation}))
    assert prepared(copy).unit == "logit"
    assert prepared(copy, activation="sigmoid").unit == "probability"


def test_unread_tokens_are_counted(folder: Path) -> None:
    whole, cut = scored(prepared(folder)), scored(prepared(folder, max_tokens=6))
    assert all(row.truncated == 0 for row in whole.values())  # type: ignore[union-attr]
    long = cut["-1", "oil"]
    assert isinstance(long, Utility)
    assert long.truncated == 12 - 6
    assert cut["q 2", "é"].truncated == 0  # type: ignore[union-attr]


def test_what_changes_a_number_changes_the_name(folder: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    other = write(tmp_path / "pairs")
    names = {prepared(folder).name, prepared(folder, activation="none").name, prepared(folder, max_tokens=6).name}
    assert len(names) == 3
    assert prepared(other).name in names
    weights = load_file(other / "model.safetensors")
    weights["classifier.bias"] += torch.ones(1)
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    assert prepared(other).name not in names


@pytest.mark.parametrize("settings", [{"activation": "tanh"}, {"batch_size": 0}, {"max_tokens": 0}, {"dtype": "int8"}])
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting):
        teacher("cross_encoder", model="anything", **settings)


def test_a_model_that_gives_no_single_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="3 numbers for a pair"):
        prepared(write(tmp_path / "classes", labels=3))
    with pytest.raises(ModelUnavailable, match="lacks config"):
        empty = tmp_path / "empty"
        empty.mkdir()
        prepared(empty)
    with pytest.raises(ModelUnavailable, match="lacks the weights that score a pair"):
        prepared(write(tmp_path / "encoder", headless=True))
    with pytest.raises(NothingToDo):
        _ = CrossEncoder(CrossEncoderSettings("x")).name
