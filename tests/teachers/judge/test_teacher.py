"""The judge as a teacher: its name, its prompts from files, what is under way at once, stores, and real models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.teachers import models
from tests.teachers.judge.scripted import Scripted, group, judge, rows, shown, text, values
from workbench.errors import BadInput, BadSetting, NothingToDo
from workbench.records import UNITS, Candidate, Failure, Group, Passage, Query, useful_above
from workbench.steps.teach.scoring.score import score
from workbench.store import Store, views
from workbench.teachers import teacher
from workbench.teachers.chat.protocol import Prompt, Reply
from workbench.teachers.judge import parsing
from workbench.teachers.judge.prompts import judge_prompt
from workbench.teachers.judge.settings import SAMPLES, JudgeSettings
from workbench.teachers.judge.settings import UNITS as FORM_UNITS
from workbench.teachers.judge.teacher import FORMS, Judge


def graded(_: Prompt) -> str:
    return "2"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_a_prompt_a_unit_and_a_name(form: Any) -> None:
    one = judge(Scripted(graded), form=form)
    assert one.name.startswith(f"judge:scripted:{form}-default-")
    assert " " not in one.name
    assert one.unit == FORM_UNITS[form]
    assert one.unit in UNITS
    assert judge_prompt(form).user
    assert JudgeSettings("m", form=form).orders == SAMPLES.get(form, 1)


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        ("pointwise", {"expected": False}),
        ("pointwise", {"max_passage_words": 5}),
        ("listwise", {"samples": 2}),
        ("listwise", {"window": 7}),
        ("listwise", {"seed": 1}),
        ("pairwise", {"comparisons": "all_pairs"}),
        ("pairwise", {"comparisons": "sliding", "passes": 3}),
        ("first", {"window": 12}),
        ("selection", {"stride": 5}),
    ],
)
def test_what_changes_a_number_changes_the_name(form: Any, settings: dict[str, Any]) -> None:
    assert judge(Scripted(graded), form=form, **settings).name != judge(Scripted(graded), form=form).name


@pytest.mark.parametrize(
    "settings",
    [
        {"form": "triplewise"},
        {"comparisons": "quicksort"},
        {"window": 2},
        {"window": 27, "form": "first"},
        {"stride": 21, "form": "selection"},
        {"samples": 0},
        {"expected": "yes"},
        {"seed": -1},
        {"max_passage_words": 0},
        {"dtype": "int4"},
        {"prompts_at_once": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting):
        teacher("judge", model="anything", **settings)


def test_a_prompt_is_a_file_to_copy_and_edit(tmp_path: Path) -> None:
    path = tmp_path / "my prompt.toml"
    path.write_text('max_tokens = 9\nsystem = "Be {{strict}}."\nuser = "{query}|{title}|{text}"\n', encoding="utf-8")
    chat = Scripted(graded)
    edited = judge(chat, prompt=path)
    assert edited.name.startswith("judge:scripted:pointwise-my-prompt-")
    passage = Passage("p", "A {title}", "text with {query} and {nothing}")
    assert values(edited, Group(Query("q", " What? "), (passage,))) == [2.0]
    system, user = chat.asked[0].messages
    assert (system.role, system.content) == ("system", "Be {strict}.")
    assert user.content == "What?|A {title}|text with {query} and {nothing}"
    before = edited.name
    path.write_text(path.read_text(encoding="utf-8").replace("|", "/"), encoding="utf-8")
    assert judge(chat, prompt=path).name != before


@pytest.mark.parametrize(
    ("form", "content", "problem"),
    [
        ("pointwise", 'max_tokens = 8\nuser = "{query} {passages}"', "unknown field {passages}"),
        ("pointwise", 'max_tokens = 8\nuser = "{content}"', "lacks {query}"),
        ("pointwise", 'max_tokens = 8\nuser = "{query}"', "reads nothing of the passage"),
        ("pointwise", 'max_tokens = 0\nuser = "{query} {text}"', "max_tokens is 0"),
        ("pointwise", 'user = "{query} {text}"', "lacks 'max_tokens'"),
        ("pointwise", 'max_tokens = 8\nuser = "{query} {text}"\ntone = "kind"', "no 'tone'"),
        ("pointwise", 'max_tokens = 8\nuser = "{query} {text"', "cannot be read"),
        ("pointwise", "max_tokens = 8\nuser = 3", "'user' of a prompt is a text"),
        ("pointwise", 'max_tokens = 8\nuser = "{query} {text}"\ntemperature = "hot"', "temperature"),
        ("listwise", 'max_tokens = 8\nuser = "{query} {passages}"\npassage = "{text}"', "lacks {label}"),
        ("pairwise", 'max_tokens = 8\nuser = "{query} {passage_a}"\npassage = "{text}"', "lacks {passage_b}"),
        ("first", "nonsense", "cannot be read"),
    ],
)
def test_a_prompt_that_cannot_work_is_refused_with_its_file(
    tmp_path: Path, form: Any, content: str, problem: str
) -> None:
    path = tmp_path / "edited.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=r"edited\.toml") as error:
        judge_prompt(form, path)
    assert problem in str(error.value)
    with pytest.raises(BadInput, match=r"judges\.md"):
        judge_prompt(form, tmp_path / "absent.toml")


def test_long_passages_are_cut_and_say_so() -> None:
    chat = Scripted(graded)
    (row,) = rows(judge(chat, max_passage_words=2), Group(Query("q", "?"), (Passage("p", "T", "one two three four"),)))
    assert row.truncated == 2  # type: ignore[union-attr]
    assert "T one two\n" in text(chat.asked[0])


def test_so_many_prompts_are_under_way_at_once() -> None:
    chat = Scripted(graded)
    assert (
        values(judge(chat, prompts_at_once=4), *(group(*range(5), query_id=f"q{at}") for at in range(4))) == [2.0] * 20
    )
    assert chat.rounds == [4] * 5


def test_queries_of_several_rounds_go_side_by_side() -> None:
    chat = Scripted(lambda prompt: max(shown(prompt), key=shown(prompt).__getitem__))
    groups = [group(3, 1, 2, query_id=f"q{at}") for at in range(6)]
    assert values(judge(chat, form="pairwise", prompts_at_once=12), *groups) == [1.0, 0.0, 0.5] * 6
    assert max(chat.rounds) == 12
    assert len(chat.rounds) < len(chat.asked) / 6


def test_what_is_finished_when_it_is_stopped_was_yielded() -> None:
    class Stopped(Scripted):
        def answers(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
            for count, answer in enumerate(super().answers(prompts)):
                if count == 3:
                    raise KeyboardInterrupt
                yield answer

    finished: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        for batch in judge(Stopped(graded)).utilities([group(*range(9))]):
            finished += [row.passage_id for row in batch]
    assert len(finished) == 3


@pytest.mark.parametrize("form", FORMS)
def test_the_documentation_and_the_prompts_say_what_is_parsed(form: Any) -> None:
    page = (Path(__file__).parents[3] / "docs/judges.md").read_text(encoding="utf-8")
    assert page.count(f"\n| `{form}` |") + page.count(f"\n| `{form}`, ") + page.count(f", `{form}` |") == 2
    prompt = judge_prompt(form)
    if form in ("listwise", "selection"):
        examples = re.findall(r'"(My selection: [^"]+)"', prompt.user)
        read = [parsing.selection(example, "123456789") for example in examples]
        assert [len(labels) if labels is not None else None for labels in read] == [2, 0]
    else:
        assert prompt.max_tokens < 10, "a reply of one word"


def test_an_unprepared_judge_says_so() -> None:
    unprepared = Judge(JudgeSettings("m"), Scripted(graded))
    with pytest.raises(NothingToDo):
        _ = unprepared.name
    with pytest.raises(NothingToDo):
        next(unprepared.utilities([group(1)]))


def test_a_passage_is_useful_from_half_a_grade_up() -> None:
    assert useful_above("grade") == 0.5


def test_a_store_keeps_unreadable_answers_and_asks_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "ws", create=True)
    asked = group(1, 2, 3, query_id="-q 1")
    store.add_collection([asked.query._replace(split="train")], asked.passages)
    store.add_candidates([Candidate("-q 1", passage.passage_id, "bm25") for passage in asked.passages])
    rambling = judge(Scripted(lambda prompt: "Well…" if "worth 2" in text(prompt) else "3"))
    first = score(store, rambling)
    assert (first.pairs, first.unreadable, first.failures) == (3, 1, 1)
    assert [(row.passage_id, row.status, row.answer) for row in views.failures(store, rambling.name)] == [
        ("p1", "unreadable", "Well…")
    ]
    clear = Scripted(graded)
    again = score(store, judge(clear), retry=["unreadable"])
    assert (again.pairs, again.failures, len(clear.asked)) == (1, 0, 1)
    assert not views.failures(store, rambling.name)


@pytest.mark.parametrize("form", FORMS)
def test_a_real_model_judges_in_every_form(tmp_path: Path, form: Any) -> None:
    folder = models.write(tmp_path / "llama")
    words = models.tokenizer(model_max_length=1000)
    words.chat_template = "{% for message in messages %}<s>{{ message.content }}</s>{% endfor %}"
    words.save_pretrained(folder)
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"max_position_embeddings": 200', '"max_position_embeddings": 1000'))
    path = tmp_path / "short.toml"
    lists = 'user = "{query} {passages}"\npassage = "[{label}] {text}"'
    users = {
        "pointwise": 'user = "{query} {text}"',
        "pairwise": 'user = "{query} {passage_a} {passage_b}"\npassage = "{text}"',
    }
    path.write_text(f"max_tokens = 4\n{users.get(form, lists)}")
    one = teacher("judge", model=folder, form=form, prompt=path, dtype="float32", device="cpu")
    one.prepare(())
    judged = rows(one, group(1, 2, 3), group(4, 5, query_id="q2"))  # type: ignore[arg-type]
    assert all(not isinstance(row, Failure) or row.status == "unreadable" for row in judged)
    if form == "first":
        assert sum(row.value for row in judged[:3]) == pytest.approx(0, abs=1e-5)  # type: ignore[union-attr]
        assert len({row.value for row in judged}) == 5  # type: ignore[union-attr]
