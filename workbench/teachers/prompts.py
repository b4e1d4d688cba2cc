"""The prompts that likelihood teachers read, their fingerprints, and templates from files."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

from workbench.errors import BadInput, BadSetting, UnknownName, WorkbenchError

PASSAGE_FIELDS = frozenset({"title", "text", "content"})


class Piece(NamedTuple):
    """A stretch of a template: a field's name, or words."""

    text: str
    field: bool


@dataclass(frozen=True)
class Template:
    """What a causal language model reads before the answer, and the answer itself.

    Fields: {title}, {text} and {content} (title and text in one) of the passage, {query}, {answer}.
    `special` lists the special tokens spelled in the template; everything else, and every field,
    is plain text. What stands in `answer` is scored whole, a closing special token included.
    """

    name: str
    with_passage: str
    without_passage: str
    answer: str = " {answer}"
    special: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+", self.name):
            raise BadSetting(f"A template cannot be named {self.name!r}.", "Use letters, digits, '-', '_' and '.'.")
        with_passage, without = self._used("with_passage"), self._used("without_passage")
        if with_passage.count("query") != 1 or not PASSAGE_FIELDS & set(with_passage):
            raise self._wrong("with_passage", "needs {query} once and {title}, {text} or {content}")
        if without != ["query"]:
            raise self._wrong("without_passage", "needs {query} once and nothing of the passage")
        if self._used("answer") != ["answer"]:
            raise self._wrong("answer", "needs {answer} once and no other field")
        if not tail(self.with_passage).strip() or tail(self.with_passage) != tail(self.without_passage):
            raise self._wrong("without_passage", "must end, like with_passage, in the same words before the answer")

    @property
    def fingerprint(self) -> str:
        """Return 64 hex digits that change with every character of the template; its name has no part in it."""
        content = {key: value for key, value in asdict(self).items() if key != "name"}
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _used(self, part: str) -> list[str]:
        try:
            used = [piece.text for piece in pieces(getattr(self, part)) if piece.field]
        except ValueError as error:
            raise self._wrong(part, f"cannot be read: {error}") from error
        known = PASSAGE_FIELDS | {"query"} if part != "answer" else {"answer"}
        if strange := sorted(set(used) - known):
            raise self._wrong(part, f"has an unknown field {{{strange[0]}}}")
        return used

    def _wrong(self, part: str, problem: str) -> BadSetting:
        return BadSetting(
            f"{part} of template {self.name} {problem}.", "Fields: {title} {text} {content} {query}; {answer}."
        )


def pieces(text: str) -> list[Piece]:
    """Cut a template's text into words and fields, in order; {{ and }} are braces; ValueError if it cannot be read."""
    found: list[Piece] = []
    for words, name, spec, conversion in Formatter().parse(text):
        if spec or conversion:
            raise ValueError(f"the field {name} has a format")
        if words and found and not found[-1].field:
            found[-1] = Piece(found[-1].text + words, False)
        elif words:
            found.append(Piece(words, False))
        if name is not None:
            found.append(Piece(name, True))
    return found


def tail(text: str) -> str:
    """Return the words after the last field: what stands right before the answer."""
    last = pieces(text)[-1]
    return "" if last.field else last.text


TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        Template(
            "plain",
            with_passage="{content}\n\nQuestion: {query}\nAnswer:",
            without_passage="Question: {query}\nAnswer:",
        ),
        Template(
            "reader-minilm",
            with_passage="[CLS]passage: {content}[SEP]question: {query}[SEP]answer:",
            without_passage="[CLS]question: {query}[SEP]answer:",
            answer="{answer}",
            special=("[CLS]", "[SEP]"),
        ),
    )
}


def template(chosen: str | Path | Template) -> Template:
    """Return a template by its name in TEMPLATES, or from a .toml or .json file with a template's fields."""
    if isinstance(chosen, Template):
        return chosen
    if str(chosen) in TEMPLATES:
        return TEMPLATES[str(chosen)]
    path = Path(chosen)
    if path.suffix not in (".toml", ".json"):
        raise UnknownName(
            "template",
            str(chosen),
            sorted(TEMPLATES),
            "Name one of these, or a .toml or .json file: " + ", ".join(sorted(TEMPLATES)) + ".",
        )
    try:
        content = path.read_text(encoding="utf-8")
        found = tomllib.loads(content) if path.suffix == ".toml" else json.loads(content)
    except (OSError, ValueError) as error:
        raise BadInput(f"The template cannot be read: {error}.", path) from error
    return _from_file(found, path)


def _from_file(found: Any, path: Path) -> Template:
    if not isinstance(found, dict):
        raise BadInput("A template is a table of names and texts.", path)
    found = {"name": path.stem} | found
    known = [field.name for field in fields(Template)]
    if strange := sorted(set(found) - set(known)):
        raise BadInput(f"A template has no {strange[0]!r}.", path, hint=f"It has: {', '.join(known)}.")
    if missing := {"with_passage", "without_passage"} - set(found):
        raise BadInput(f"The template lacks {sorted(missing)[0]!r}.", path)
    special = found.pop("special", [])
    texts = isinstance(special, list) and all(isinstance(value, str) for value in [*found.values(), *special])
    if not texts:
        raise BadInput("Every part of a template is a text, and 'special' a list of texts.", path)
    try:
        return Template(**found, special=tuple(special))
    except WorkbenchError as error:
        raise BadInput(error.problem, path, hint=error.hint) from error
