"""Templates: what they accept, how files are read, and what their fingerprints follow."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.errors import BadInput, BadSetting, UnknownName, WorkbenchError
from workbench.teachers.prompts import TEMPLATES, Piece, Template, pieces, template, templates

PLAIN = TEMPLATES["plain"]


def test_names_of_the_table_are_the_templates_own() -> None:
    assert {name: built_in.name for name, built_in in TEMPLATES.items()} == {name: name for name in TEMPLATES}
    assert template("plain") is PLAIN
    assert template(PLAIN) is PLAIN


def test_the_fingerprint_follows_the_words_and_not_the_name() -> None:
    others = [
        replace(PLAIN, with_passage="{text}\n\nQuestion: {query}\nAnswer:"),
        replace(PLAIN, answer="{answer}"),
        replace(PLAIN, special=("</s>",)),
        replace(PLAIN, without_passage="Q: {query}\nAnswer:"),
    ]
    assert len({built_in.fingerprint for built_in in [PLAIN, *others]}) == 5
    assert replace(PLAIN, name="other").fingerprint == PLAIN.fingerprint


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("with_passage", "{query}\nAnswer:"),
        ("with_passage", "{text} {query} {query}\nAnswer:"),
        ("with_passage", "{text} {question}\nAnswer:"),
        ("with_passage", "{text:>10} {query}\nAnswer:"),
        ("with_passage", "{text {query}\nAnswer:"),
        ("with_passage", "{text}\n\nQuestion: {query}\nReply:"),
        ("with_passage", "{text}\n\nQuestion: {query}"),
        ("without_passage", "Answer:"),
        ("without_passage", "{text} {query}\nAnswer:"),
        ("answer", "yes"),
        ("answer", "{answer} {query}"),
        ("name", "two words"),
    ],
)
def test_a_template_that_cannot_work_is_refused(part: str, text: str) -> None:
    with pytest.raises(BadSetting):
        replace(PLAIN, **{part: text})


def test_doubled_braces_are_braces() -> None:
    assert pieces("a{{b}} {query}") == [Piece("a{b} ", False), Piece("query", True)]


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_a_file_holds_a_template(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"mine.{suffix}"
    parts = {"with_passage": "{text} Q: {query} A:", "without_passage": "Q: {query} A:", "special": ["<s>"]}
    lines = [f"{key} = {json.dumps(value)}" for key, value in parts.items()]
    file.write_text("\n".join(lines) if suffix == "toml" else json.dumps(parts), encoding="utf-8")
    assert template(str(file)) == Template("mine", "{text} Q: {query} A:", "Q: {query} A:", special=("<s>",))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read"),
        ("[]", "table"),
        ('{"with_passage": "{text}"}', "lacks"),
        ('{"with_passage": "{text}", "without_passage": 3}', "text"),
        ('{"with_passage": "{text}", "without_passage": "{query}"}', "with_passage"),
        ('{"withpassage": "{text}"}', "no 'withpassage'"),
    ],
)
def test_a_file_that_holds_none_says_so_and_names_itself(tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=says) as caught:
        template(file)
    assert "bad.json" in str(caught.value)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="plain"):
        template("fancy")
    with pytest.raises(WorkbenchError, match="cannot be read"):
        template(tmp_path / "absent.toml")


def test_several_templates_come_by_names_between_commas_or_as_a_sequence(tmp_path: Path) -> None:
    pair = (TEMPLATES["plain"], TEMPLATES["context"])
    assert templates("plain, context") == pair
    assert templates([TEMPLATES["plain"], "context"]) == pair
    file = tmp_path / "mine,2.json"
    file.write_text(json.dumps({"name": "mine", "with_passage": "{text} {query}:", "without_passage": "{query}:"}))
    assert [one.name for one in templates(str(file))] == ["mine"]
    for names in ("plain,plain", ()):
        with pytest.raises(BadSetting, match="one or several"):
            templates(names)


def test_a_template_scores_the_answer_or_the_query() -> None:
    assert PLAIN.scored == "answer"
    asking = TEMPLATES["write-question"]
    assert asking.scored == "query"
    for part, text in [
        ("with_passage", "{text} {query}\nQuestion:"),
        ("without_passage", "Write to {query}.\nQuestion:"),
        ("without_passage", "Write a question!"),
    ]:
        with pytest.raises(BadSetting, match=part):
            replace(asking, **{part: text})
