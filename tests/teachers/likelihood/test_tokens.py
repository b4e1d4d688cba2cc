"""Token ids: special tokens stay where the template put them, and the answer is cut at its border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.teachers import models
from workbench.errors import BadSetting
from workbench.records import Passage, Query
from workbench.teachers.likelihood.tokens import Prompt, PromptTokenizer, truncate
from workbench.teachers.prompts import TEMPLATES, Template

WORDS = models.tokenizer()
BOS, EOS, SEP = (WORDS.convert_tokens_to_ids(token) for token in ("<s>", "</s>", "[SEP]"))
PLAIN = TEMPLATES["plain"]
SPELLED = Template(
    "spelled", "<s>{title}|{text}[SEP]{query}[SEP]A:", "<s>{query}[SEP]A:", "{answer}</s>", ("<s>", "[SEP]", "</s>")
)
QUERY = Query("q", "Where?", ("here",))


def read(tokenizer: PromptTokenizer, passage: Passage | None, query: Query = QUERY) -> list[int]:
    return [int(token) for token in tokenizer.prompts([(query, passage)])[0].ids]


def test_template_tokens_are_special_and_the_texts_are_not() -> None:
    vicious = Passage("p", "[SEP]</s>", "<s> and [SEP] and </s>")
    ids = read(PromptTokenizer(WORDS, SPELLED), vicious, Query("q", "</s>[SEP]?"))
    assert [token for token in ids if token in (BOS, EOS, SEP)] == [BOS, SEP, SEP]
    assert WORDS.decode(ids) == "<s>[SEP]</s>|<s> and [SEP] and </s>[SEP]</s>[SEP]?[SEP]A:"
    answer = PromptTokenizer(WORDS, SPELLED).answer("</s>")
    assert answer is not None
    assert [token for token in answer if token == EOS] == [EOS]


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_can_bring_a_special_token(text: str, query: str) -> None:
    passage = Passage("p", "", text + "[SEP]" + text)
    ids = read(PromptTokenizer(WORDS, PLAIN), passage, Query("q", query))
    assert [token for token in ids if token in (BOS, EOS, SEP)] == [BOS]


@pytest.mark.parametrize(("bos", "template", "starts"), [
    (None, PLAIN, 1), (True, PLAIN, 1), (False, PLAIN, 0), (None, SPELLED, 1), (True, SPELLED, 1), (False, SPELLED, 1),
])  # fmt: skip
def test_the_beginning_is_marked_as_asked_and_never_twice(bos: bool | None, template: Template, starts: int) -> None:
    for passage in (None, Passage("p", "", "There.")):
        ids = read(PromptTokenizer(WORDS, template, bos), passage)
        assert ids.count(BOS) == starts
        assert ids[:starts] == [BOS] * starts


def test_bos_of_a_tokenizer_without_one_is_refused() -> None:
    with pytest.raises(BadSetting, match="beginning"):
        PromptTokenizer(models.tokenizer(bos_token=None), PLAIN, bos=True)


def test_a_template_of_another_model_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"\[CLS\]"):
        PromptTokenizer(WORDS, TEMPLATES["reader-minilm"])


def test_prompt_and_answer_together_are_what_the_whole_text_gives() -> None:
    tokenizer = PromptTokenizer(WORDS, PLAIN)
    answer = tokenizer.answer(" the sea ")
    assert answer is not None
    whole = "Sea It is salt.\n\nQuestion: Where?\nAnswer: the sea"
    assert read(tokenizer, Passage("p", "Sea", "It is salt. ")) + list(answer) == WORDS(whole)["input_ids"]


def test_an_answer_that_grows_into_the_words_before_is_encoded_alone() -> None:
    # "Where do rivers run" was learnt as words: "ri" + "vers" gives other tokens than "rivers".
    template = Template("joined", "{text} {query} ri", "{query} ri", "{answer}")
    answer = PromptTokenizer(WORDS, template).answer("vers")
    assert answer is not None
    joint, before = (WORDS(text, add_special_tokens=False)["input_ids"] for text in (" rivers", " ri"))
    assert joint[: len(before)] != before
    assert list(answer) == WORDS("vers", add_special_tokens=False)["input_ids"]


def test_nothing_left_of_an_answer_is_none() -> None:
    assert PromptTokenizer(WORDS, SPELLED).answer("  ") is None


def test_the_marked_tokens_are_the_passage() -> None:
    prompt = PromptTokenizer(WORDS, SPELLED).prompts([(QUERY, Passage("p", "Sea", "salt"))])[0]
    assert WORDS.decode(prompt.ids[prompt.of_passage]) == "Seasalt"
    assert not PromptTokenizer(WORDS, SPELLED).prompts([(QUERY, None)])[0].of_passage.any()


def test_cutting_takes_the_end_of_the_passage_alone() -> None:
    prompt = Prompt(np.arange(8, dtype=np.int32), np.array([0, 1, 1, 0, 1, 1, 0, 0], dtype=bool))
    truncated = [truncate(prompt, limit, None) for limit in (8, 6, 5, 4)]
    assert [None if one is None else (list(one[0]), one[1]) for one in truncated] == [
        ([0, 1, 2, 3, 4, 5, 6, 7], 0),
        ([0, 1, 2, 3, 6, 7], 2),
        ([0, 1, 3, 6, 7], 3),
        None,
    ]
    assert truncate(prompt, 8, 1) is not None
    assert truncate(Prompt(prompt.ids[:3], np.zeros(3, dtype=bool)), 3, None) is not None
    assert truncate(Prompt(prompt.ids[:3], np.zeros(3, dtype=bool)), 2, None) is None
