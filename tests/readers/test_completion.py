"""The completion reader: greedy, whatever else is in the batch, within the model's limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.teachers import models
from workbench.errors import BadSetting, NothingToDo
from workbench.readers import Reader
from workbench.records import Answer, Group, Passage, Query

GROUPS = [
    Group(Query("q1", "What raised the price of oil?"), (Passage("p1", "Oil", "The embargo of 1973."),)),
    Group(Query("-q 2", "Where do rivers run?"), ()),
    Group(Query("q3", "What is salt?"), tuple(Passage(f"p{n}", "", f"The sea is salt {n}.") for n in range(3))),
    Group(Query("q4", "What is salt?"), tuple(Passage(f"p{n}", "", f"The sea is salt {n}.") for n in range(3, 6))),
    Group(Query("long", "What is salt?"), (Passage("p9", "", "rivers run to the sea " * 100),)),
]


def answers(reader: Reader, groups: list[Group] = GROUPS) -> dict[str, Answer]:
    """Return a reader's answers by query; each comes once."""
    reader.prepare(" ")
    rows = [answer for batch in reader.answers(groups) for answer in batch]
    assert len(rows) == len(groups)
    return {row.query_id: row for row in rows}


def plain(folder: Path, prompt: str, new_tokens: int) -> str:
    """Return the first line of the greedy continuation, one forward of the whole text for each token."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    start = ids.shape[1]
    for _ in range(new_tokens):
        with torch.inference_mode():
            token = model(input_ids=ids).logits[0, -1].argmax()
        if token == tokenizer.eos_token_id:
            break
        ids = torch.cat([ids, token[None, None]], dim=1)
    text = tokenizer.decode(ids[0, start:], skip_special_tokens=True).strip()
    return text.splitlines()[0].strip() if text else ""


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert"])
def test_answers_are_a_plain_greedy_loop_s(tmp_path: Path, kind: str) -> None:
    folder = models.write(tmp_path / kind, kind)
    reader = wb.reader("completion", model=folder, max_new_tokens=6, dtype="float32")
    rows = answers(reader)
    assert rows["q1"].answer == plain(
        folder, "Oil The embargo of 1973.\n\nQuestion: What raised the price of oil?\nAnswer:", 6
    )
    assert rows["-q 2"].answer == plain(folder, "Question: Where do rivers run?\nAnswer:", 6)
    context = "\n\n".join(f"The sea is salt {number}." for number in range(3))
    assert rows["q3"].answer == plain(folder, f"{context}\n\nQuestion: What is salt?\nAnswer:", 6)
    assert {row.reader for row in rows.values()} == {reader.name}
    assert (rows["q3"].passages, rows["-q 2"].passages) == (("p0", "p1", "p2"), ())
    assert rows["long"].truncated > 0
    assert not any(row.reason or row.truncated for name, row in rows.items() if name != "long")


def test_answers_do_not_depend_on_batches(tmp_path: Path) -> None:
    folder = models.write(tmp_path / "model", "gpt2")
    alone = answers(wb.reader("completion", model=folder, max_new_tokens=6, token_budget=1))
    assert answers(wb.reader("completion", model=folder, max_new_tokens=6)) == alone


def test_the_name_covers_what_changes_an_answer(tmp_path: Path) -> None:
    folder = models.write(tmp_path / "model")

    def name(title_join: str = " ", **settings: Any) -> str:
        reader = wb.reader("completion", model=folder, **settings)
        reader.prepare(title_join)
        return reader.name

    names = [name(), name(". "), name(max_new_tokens=3), name(max_tokens=50), name(dtype="float16")]
    assert len(set(names)) == len(names)
    assert name(token_budget=7) == name() == names[0]
    assert names[0].startswith("model-")
    assert not set(names[0]) & set(":()@ ")


def test_without_room_for_a_passage_it_fails_with_the_reason(tmp_path: Path) -> None:
    folder = models.write(tmp_path / "model")
    rows = answers(wb.reader("completion", model=folder, max_tokens=20, max_new_tokens=10))
    assert rows["q1"].reason == "query and answer leave no room for a passage within 20 tokens"
    assert rows["q1"].answer == ""


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="max_new_tokens is 0"):
        wb.reader("completion", model="x", max_new_tokens=0)
    with pytest.raises(BadSetting, match="dtype is 'int3'"):
        wb.reader("completion", model="x", dtype="int3")
    with pytest.raises(wb.UnknownName, match="no reader named 'crystal ball'"):
        wb.reader("crystal ball")
    with pytest.raises(NothingToDo, match="does not know its model yet"):
        wb.reader("completion", model="x").name  # noqa: B018
