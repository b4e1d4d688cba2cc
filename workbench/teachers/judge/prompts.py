"""The prompts of judges: files that a user can copy and edit, checked when they are read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, BadSetting, WorkbenchError
from workbench.records import Passage
from workbench.teachers.chat.protocol import Message
from workbench.teachers.prompts import PASSAGE_FIELDS, pieces

# The fields that the user's turn must have, by the form of judgement; a form not listed here writes out its passages.
_USER_FIELDS: dict[str, frozenset[str]] = {
    "pointwise": frozenset({"query"}),
    "pairwise": frozenset({"query", "passage_a", "passage_b"}),
}
_LIST_FIELDS = frozenset({"query", "passages"})


@dataclass(frozen=True)
class JudgePrompt:
    """What a judge is asked: the turns of the system and the user, how a passage is written in them, and reply lengths.

    Only `user` and `max_tokens` have a part in every form; `passage` is how each of several passages is written.
    """

    name: str
    form: str
    user: str
    max_tokens: int
    system: str = ""
    passage: str = ""
    temperature: float = 0.0

    def __post_init__(self) -> None:
        if type(self.max_tokens) is not int or self.max_tokens < 1:
            raise BadSetting(f"max_tokens is {self.max_tokens!r}.", "It is a whole number above 0.")
        if isinstance(self.temperature, bool) or not 0 <= self.temperature <= 2:
            raise BadSetting(f"temperature is {self.temperature!r}.", "It is a number from 0 to 2.")
        needed = _USER_FIELDS.get(self.form, _LIST_FIELDS)
        if self.form == "pointwise":
            self._check("user", needed, PASSAGE_FIELDS, needs_passage=True)
        else:
            self._check("user", needed, frozenset({"count"}))
            labelled = frozenset({"label"}) if needed is _LIST_FIELDS else frozenset()
            self._check("passage", labelled, PASSAGE_FIELDS, needs_passage=True)
        self._check("system", frozenset(), frozenset())

    @property
    def fingerprint(self) -> str:
        """Return 64 hex digits that change with every character of the prompt; its name has no part in it."""
        content = {key: value for key, value in asdict(self).items() if key != "name"}
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def messages(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """Return the conversation with its fields filled in."""
        user = Message("user", _filled(self.user, values))
        return (Message("system", _filled(self.system, {})), user) if self.system else (user,)

    def written(self, passage: Passage, label: str = "") -> str:
        """Return a passage as it stands among others."""
        return _filled(self.passage, {"label": label} | passage_values(passage))

    def _check(self, part: str, needed: frozenset[str], others: frozenset[str], needs_passage: bool = False) -> None:
        try:
            used = {piece.text for piece in pieces(getattr(self, part)) if piece.field}
        except ValueError as error:
            raise BadSetting(
                f"{part} of prompt {self.name} cannot be read: {error}.", "{{ and }} are braces."
            ) from error
        listed = "Fields: " + ", ".join(f"{{{name}}}" for name in sorted(needed | others)) + "."
        if unknown := sorted(used - needed - others):
            raise BadSetting(f"{part} of prompt {self.name} has an unknown field {{{unknown[0]}}}.", listed)
        if missing := sorted(needed - used):
            raise BadSetting(f"{part} of prompt {self.name} lacks {{{missing[0]}}}.", listed)
        if needs_passage and not used & PASSAGE_FIELDS:
            raise BadSetting(f"{part} of prompt {self.name} reads nothing of the passage.", listed)


def passage_values(passage: Passage) -> dict[str, str]:
    """Return the fields of a passage that a prompt can read."""
    return {name: getattr(passage, name).strip() for name in PASSAGE_FIELDS}


def judge_prompt(form: str, path: str | Path = "") -> JudgePrompt:
    """Return the packaged prompt of a form, or the one in a .toml file."""
    if not path:
        content = files("workbench.teachers.judge").joinpath("prompts", f"{form}.toml").read_text(encoding="utf-8")
        return JudgePrompt(name="default", form=form, **tomllib.loads(content))
    path = Path(path).expanduser()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"The prompt cannot be read: {error}.", path, hint="Copy one of the packaged ones: see docs/judges.md."
        ) from error
    known = [field.name for field in fields(JudgePrompt) if field.name not in ("name", "form")]
    if unknown := sorted(set(values) - set(known)):
        raise BadInput(f"A prompt has no {unknown[0]!r}.", path, hint=f"It has: {', '.join(known)}.")
    if missing := sorted({"user", "max_tokens"} - set(values)):
        raise BadInput(f"The prompt lacks {missing[0]!r}.", path)
    return _made(values | {"name": _word(path.stem), "form": form}, path)


def _made(values: dict[str, Any], path: Path) -> JudgePrompt:
    if wrong := [name for name in ("user", "system", "passage") if not isinstance(values.get(name, ""), str)]:
        raise BadInput(f"{wrong[0]!r} of a prompt is a text.", path)
    try:
        return JudgePrompt(**values)
    except WorkbenchError as error:
        raise BadInput(error.problem, path, hint=error.hint) from error
    except TypeError as error:
        raise BadInput("'temperature' of a prompt is a number from 0 to 2.", path) from error


def _filled(text: str, values: Mapping[str, str]) -> str:
    return "".join(values[piece.text] if piece.field else piece.text for piece in pieces(text)).strip()


def _word(text: str) -> str:
    return "-".join(text.replace(":", "-").split()) or "prompt"
