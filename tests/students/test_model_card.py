"""A student's card is a card of the hub, says how the student was made, and obeys no foreign text."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests import tiny
from workbench import students
from workbench.retrieval.fingerprint import fingerprint
from workbench.students import Student, model_card

HOSTILE = "a`b``c | [x](http://y)\n---\n# h <script>\u202e"
OUTCOME = {"measure": "AP", "dev_before": 0.25, "dev_after": 0.5, "best_step": 2, "steps": 3}
RECIPE = {
    "teacher": HOSTILE,
    "loss": HOSTILE,
    "settings": {"note": f"```\n{HOSTILE}"},
    "data": {"queries": 1200, "fingerprint": "abc"},
    "seed": 7,
    "outcome": OUTCOME,
    "origin": {"model": "org/base", "licence": "apache-2.0"},
}


def _parsed(text: str) -> tuple[dict[str, object], list[str], str]:
    """Return the front matter, the headings and the body of a card, read by other people's parsers."""
    _, front, body = text.split("---\n", 2)
    tokens = MarkdownIt().enable("table").parse(body)
    headings = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
    return yaml.safe_load(front), headings, body


def test_says_how_a_student_was_made(tmp_path: Path) -> None:
    made = students.save(tiny.static(), Student("mine", tmp_path / "mine", "org/base", RECIPE))
    front, headings, body = _parsed((made.path / "README.md").read_text("utf-8"))
    assert front["library_name"] == "sentence-transformers"
    assert front["pipeline_tag"] == "sentence-similarity"
    assert (front["base_model"], front["license"]) == ("org/base", "apache-2.0")
    assert headings[0] == "`mine`"
    for phrase in ("1,200 queries", "`abc`", "Seed: 7", "0.250 before, 0.500 after (+0.250)", "must check", "torch "):
        assert phrase in body


def test_what_the_settings_left_open_is_there_as_it_was_resolved(tmp_path: Path) -> None:
    recipe = {**RECIPE, "settings": {"steps": 3, "learning_rate": None}, "resolved": {"learning_rate": 0.25}}
    student = students.save(tiny.static(), Student("mine", tmp_path / "mine", "org/base", recipe))
    card = (student.path / "README.md").read_text("utf-8")
    assert '{\n  "steps": 3,\n  "learning_rate": 0.25\n}' in card


def test_the_hub_library_reads_it(tmp_path: Path) -> None:
    from huggingface_hub import ModelCard

    made = students.save(tiny.static(), Student("mine", tmp_path / "mine", "org/base", RECIPE))
    assert ModelCard.load(made.path / "README.md").data.license == "apache-2.0"


@pytest.mark.parametrize("foreign", [HOSTILE, "`", "``` ```", "| |", "\n\n# x", "-->", "<b>x</b>", "\\", ""])
def test_foreign_text_stays_one_piece_of_code(foreign: str) -> None:
    (shown,) = MarkdownIt().parseInline(model_card.inline(foreign))
    code = [child for child in shown.children or [] if child.type == "code_inline"]
    assert len(code) == 1
    assert [child.type for child in shown.children or []] == ["code_inline"]


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_name_breaks_front_matter_or_headings(name: str, teacher: str) -> None:
    recipe = {**RECIPE, "teacher": teacher, "loss": name, "settings": {name: teacher}}
    front, headings, _ = _parsed(model_card.text(Student(name, Path("nowhere"), name, recipe), model_card.About()))
    assert front["base_model"] == "org/base"
    assert headings[1:] == ["Use", "How it was made", "Measures", "Limits", "Licence"]


def test_no_path_of_the_machine_is_on_it(tmp_path: Path) -> None:
    student = Student("mine", tmp_path / "mine", str(tmp_path / "bases" / "mine-too"), {"teacher": "toy"})
    assert str(tmp_path) not in model_card.text(student, model_card.About())


def test_a_card_changes_no_fingerprint_and_keeps_what_a_person_wrote(tmp_path: Path) -> None:
    made = students.save(tiny.static(), Student("mine", tmp_path / "mine", "", RECIPE))
    before, file = fingerprint(made.path), made.path / "README.md"
    file.write_text(file.read_text("utf-8") + "\nAsk Ada about it.\n", "utf-8")
    model_card.write(made, model_card.About(measures=model_card.Table(["on test"], [["0.123"]])))
    text = file.read_text("utf-8")
    assert "0.123" in text.split(model_card.MARK)[0]
    assert text.split(model_card.MARK)[1].strip() == "Ask Ada about it."
    assert text.count("base_model") == 1
    assert fingerprint(made.path) == before
    students.save(tiny.static(1), made, overwrite=True)
    assert "Ask Ada" in file.read_text("utf-8")


def test_a_card_without_the_mark_is_a_persons_own(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# Mine\nHandmade.\n")
    model_card.write(Student("mine", tmp_path, "", RECIPE), model_card.About())
    text = (tmp_path / "README.md").read_text("utf-8")
    assert text.split(model_card.MARK)[1].strip() == "# Mine\nHandmade."


def test_a_section_goes_above_the_mark_of_ours_and_below_a_foreign_card(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"ours\n\n{model_card.MARK}\nown\n")
    model_card.append(file, "## More")
    assert file.read_text("utf-8") == f"ours\n\n## More\n\n{model_card.MARK}\nown\n"
    file.write_text("theirs\n")
    model_card.append(file, "## More")
    assert file.read_text("utf-8") == "theirs\n\n## More\n"


def test_the_licence_is_handed_down(tmp_path: Path) -> None:
    base = tiny.bert(tmp_path / "base")
    (base / "README.md").write_text("---\nlicense: cc-by-4.0\n---\n# Base\n")
    first = model_card.origin(Student("org/name", base))
    assert first == {"model": "org/name", "licence": "cc-by-4.0"}
    made = students.save(tiny.static(), Student("mine", tmp_path / "mine", "org/name", {"origin": first}))
    assert model_card.origin(students.read(made.path)) == first
    old = Student("my/own", base, "static:all-MiniLM-L6-v2", {"method": "static"})
    assert model_card.origin(old) == {"model": "sentence-transformers/all-MiniLM-L6-v2", "licence": ""}
    (base / "README.md").write_text("---\nlicense: [unclosed\n---\n")
    assert model_card.origin(Student("x", base)) == {"model": "", "licence": ""}
