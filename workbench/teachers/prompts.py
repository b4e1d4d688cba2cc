"""The prompts that likelihood teachers read, their fingerprints, and templates from files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from string import Formatter
from typing import Any, Literal, NamedTuple

from workbench.errors import BadInput, BadSetting, UnknownName, WorkbenchError

PASSAGE_FIELDS = frozenset({"title", "text", "content"})
Target = Literal["answer", "query"]  # whose likelihood a template asks for


class Piece(NamedTuple):
    """A stretch of a template: a field's name, or words."""

    text: str
    field: bool


@dataclass(frozen=True)
class Template:
    """What a causal language model reads before the text that is scored, and that text itself.

    Fields: {title}, {text} and {content} (title and text in one) of the passage, {query}, {answer}.
    `special` lists the special tokens spelled in the template; everything else, and every field,
    is plain text. What stands in `answer` is scored whole, a closing special token included: with {answer} a
    reference answer, with {query} the query itself, which then is no part of the prompts.
    """

    name: str
    with_passage: str
    without_passage: str
    answer: str = " {answer}"
    special: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+", self.name):
            raise BadSetting(f"A template cannot be named {self.name!r}.", "Use letters, digits, '-', '_' and '.'.")
        with_passage, without, scored = (self._fields(part) for part in ("with_passage", "without_passage", "answer"))
        if scored not in (["answer"], ["query"]):
            raise self._error("answer", "needs {answer} or {query} once and no other field")
        query = [] if scored == ["query"] else ["query"]
        asked = "no {query}, as answer has it," if scored == ["query"] else "{query} once"
        if [name for name in with_passage if name == "query"] != query or not PASSAGE_FIELDS & set(with_passage):
            raise self._error("with_passage", f"needs {asked} and {{title}}, {{text}} or {{content}}")
        if without != query:
            raise self._error("without_passage", f"needs {asked} and nothing of the passage")
        ends = tail(self.with_passage), tail(self.without_passage)
        same = _common_end(*ends)
        if not same.strip() or (query and not same == ends[0] == ends[1]):
            raise self._error("without_passage", "must end, like with_passage, in the same words before the answer")

    @property
    def scored(self) -> Target:
        """Return whose likelihood is asked for."""
        return "query" if self._fields("answer") == ["query"] else "answer"

    @property
    def fingerprint(self) -> str:
        """Return 64 hex digits that change with every character of the template; its name has no part in it."""
        content = {key: value for key, value in asdict(self).items() if key != "name"}
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def reads_content(self) -> bool:
        """Return whether it reads title and text of a passage in one."""
        return "content" in self._fields("with_passage")

    def _fields(self, part: str) -> list[str]:
        try:
            used = [piece.text for piece in pieces(getattr(self, part)) if piece.field]
        except ValueError as error:
            raise self._error(part, f"cannot be read: {error}") from error
        known = PASSAGE_FIELDS | {"query"} if part != "answer" else {"answer", "query"}
        if unknown := sorted(set(used) - known):
            raise self._error(part, f"has an unknown field {{{unknown[0]}}}")
        return used

    def _error(self, part: str, problem: str) -> BadSetting:
        return BadSetting(
            f"{part} of template {self.name} {problem}.", "Fields: {title} {text} {content} {query}; {answer}."
        )


def pieces(text: str) -> list[Piece]:
    """Cut a template's text into words and fields, in order; {{ and }} are braces; ValueError if it cannot be read."""
    parts: list[Piece] = []
    for words, name, spec, conversion in Formatter().parse(text):
        if spec or conversion:
            raise ValueError(f"the field {name} has a format")
        if words and parts and not parts[-1].field:
            parts[-1] = Piece(parts[-1].text + words, False)
        elif words:
            parts.append(Piece(words, False))
        if name is not None:
            parts.append(Piece(name, True))
    return parts


def tail(text: str) -> str:
    """Return the words after the last field: what stands right before the answer."""
    last = pieces(text)[-1]
    return "" if last.field else last.text


def _common_end(one: str, other: str) -> str:
    same = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(one), reversed(other), strict=False))
    return "".join(character for character, _ in same)[::-1]


TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        Template(
            "plain",
            with_passage="{content}\n\nQuestion: {query}\nAnswer:",
            without_passage="Question: {query}\nAnswer:",
        ),
        # The same in other words, for a mean over wordings.
        Template(
            "instructed",
            with_passage="{content}\n\nAnswer the question from the passage above.\nQuestion: {query}\nShort answer:",
            without_passage="Answer the question.\nQuestion: {query}\nShort answer:",
        ),
        Template(
            "context",
            with_passage="Context: {content}\nQ: {query}\nA:",
            without_passage="Q: {query}\nA:",
        ),
        # The passage stands right before the answer; what is shared is the question.
        Template(
            "question-first",
            with_passage="Question: {query}\n\nPassage: {content}\n\nAnswer:",
            without_passage="Question: {query}\n\nAnswer:",
        ),
        # The prompt of UPR (arXiv 2204.07496).
        Template(
            "write-question",
            with_passage="Passage: {content} Please write a question based on this passage.\nQuestion:",
            without_passage="Please write a question.\nQuestion:",
            answer=" {query}",
        ),
        Template(
            "reader-minilm",
            with_passage="[CLS]passage: {content}[SEP]question: {query}[SEP]answer:",
            without_passage="[CLS]question: {query}[SEP]answer:",
            answer="{answer}",
            special=("[CLS]", "[SEP]"),
        ),
        Template(
            "reader-minilm-question",
            with_passage="[CLS]passage: {content}[SEP]question:",
            without_passage="[CLS]question:",
            answer="{query}",
            special=("[CLS]", "[SEP]"),
        ),
    )
}


def template(name: str | Path | Template) -> Template:
    """Return a template by its name in TEMPLATES, or from a .toml or .json file with a template's fields."""
    if isinstance(name, Template):
        return name
    if str(name) in TEMPLATES:
        return TEMPLATES[str(name)]
    path = Path(name)
    if path.suffix not in (".toml", ".json"):
        raise UnknownName(
            "template",
            str(name),
            sorted(TEMPLATES),
            "Name one of these, or a .toml or .json file: " + ", ".join(sorted(TEMPLATES)) + ".",
        )
    try:
        content = path.read_text(encoding="utf-8")
        values = tomllib.loads(content) if path.suffix == ".toml" else json.loads(content)
    except (OSError, ValueError) as error:
        raise BadInput(f"The template cannot be read: {error}.", path) from error
    return _from_values(values, path)


def templates(names: str | Path | Template | Sequence[str | Path | Template]) -> tuple[Template, ...]:
    """Return one or several templates, of a name that `template` knows, of a sequence, or of names between commas."""
    if isinstance(names, Template | Path) or (isinstance(names, str) and ("," not in names or Path(names).is_file())):
        return (template(names),)
    several = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    chosen = tuple(template(name) for name in several)
    if len({one.fingerprint for one in chosen}) < max(1, len(chosen)):
        raise BadSetting(f"template is {names!r}.", "It names one or several templates, none of them twice.")
    return chosen


def _from_values(values: Any, path: Path) -> Template:
    if not isinstance(values, dict):
        raise BadInput("A template is a table of names and texts.", path)
    values = {"name": path.stem} | values
    known = [field.name for field in fields(Template)]
    if unknown := sorted(set(values) - set(known)):
        raise BadInput(f"A template has no {unknown[0]!r}.", path, hint=f"It has: {', '.join(known)}.")
    if missing := {"with_passage", "without_passage"} - set(values):
        raise BadInput(f"The template lacks {sorted(missing)[0]!r}.", path)
    special = values.pop("special", [])
    are_texts = isinstance(special, list) and all(isinstance(value, str) for value in [*values.values(), *special])
    if not are_texts:
        raise BadInput("Every part of a template is a text, and 'special' a list of texts.", path)
    try:
        return Template(**values, special=tuple(special))
    except WorkbenchError as error:
        raise BadInput(error.problem, path, hint=error.hint) from error
