"""A reader that continues a prompt template: a causal language model of transformers, decoded greedily."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from workbench import machine
from workbench.errors import BadSetting, NothingToDo
from workbench.hub import model_folder
from workbench.records import Answer, Group, Passage
from workbench.teachers.likelihood import checkpoint
from workbench.teachers.likelihood.tokens import Ids, PromptTokenizer, truncate
from workbench.teachers.prompts import Template, template

if TYPE_CHECKING:
    from workbench.readers.generation import Completer

BETWEEN_PASSAGES = "\n\n"


@dataclass(frozen=True)
class CompletionSettings:
    """All that decides what the reader answers, and `token_budget`, which does not beyond rounding."""

    model: str | Path = field(metadata={"about": "a causal language model, by hub name or folder"})
    template: str | Path | Template = field(
        default="plain", metadata={"about": "a prompt template's name, or its TOML or JSON file"}
    )
    max_new_tokens: int = field(default=32, metadata={"about": "the most tokens of an answer"})
    max_tokens: int | None = field(
        default=None, metadata={"about": "the most tokens of prompt and answer; unless given, the model's limit"}
    )
    dtype: str = field(default="auto", metadata={"about": f"auto, {', '.join(checkpoint.DTYPES)}"})
    device: str = field(default="auto", metadata={"about": "auto, or a device of torch, such as cpu or cuda"})
    token_budget: int = field(default=8192, metadata={"about": "tokens that go through the model at once"})

    def __post_init__(self) -> None:
        if self.dtype not in ("auto", *checkpoint.DTYPES):
            raise BadSetting(f"dtype is {self.dtype!r}.", f"It is 'auto' or one of {', '.join(checkpoint.DTYPES)}.")
        for name in ("max_new_tokens", "max_tokens", "token_budget"):
            value = getattr(self, name)
            if not ((type(value) is int and value > 0) or (value is None and name == "max_tokens")):
                raise BadSetting(f"{name} is {value!r}.", "It is a whole number above 0.")


class _Checkpoint(NamedTuple):
    folder: Path
    dtype: str
    device: str


class _Question(NamedTuple):
    """A query as token ids, with how many of its passages' tokens were truncated."""

    group: Group
    ids: Ids
    truncated: int


class Completion:
    """Answers by what a model finds likeliest behind a template, up to the end of a line.

    Several passages stand in the passage's place, best first, an empty line between them; what does not fit the model
    is truncated from the end, so that the last ones go first.
    """

    def __init__(self, settings: CompletionSettings) -> None:
        self.settings = settings
        self._template = template(settings.template)
        if self._template.scored != "answer":
            raise BadSetting(f"Template {self._template.name} asks for a query, not for an answer.", "Try plain.")
        self._name = ""
        self._checkpoint: _Checkpoint | None = None
        self._loaded: tuple[Completer, PromptTokenizer] | None = None

    @property
    def name(self) -> str:
        """Return model and prompt with their fingerprints; the latter covers all settings that change an answer."""
        if not self._name:
            raise NothingToDo("The reader does not know its model yet.", "Call prepare(' ') first.")
        return self._name

    def prepare(self, title_join: str) -> None:
        """Find the model and fingerprint its files; it is loaded when the first query is asked."""
        settings = self.settings
        folder = model_folder(str(settings.model), checkpoint.FILES)
        device = machine.best_device() if settings.device == "auto" else settings.device
        dtype = checkpoint.dtype_of(settings.dtype, device)
        recipe = [self._template.fingerprint, settings.max_new_tokens, settings.max_tokens, dtype, title_join]
        prompt = sha256(json.dumps(recipe).encode()).hexdigest()[:6]
        self._name = f"{checkpoint.model_name(settings.model, folder)}-{prompt}"
        self._checkpoint, self._loaded = _Checkpoint(folder, dtype, device), None

    def answers(self, groups: Sequence[Group]) -> Iterator[list[Answer]]:
        """Yield answers, the longest prompts first, or why a query cannot be answered; stopping between is safe."""
        questions, failures = self._questions(groups)
        if failures:
            yield failures
        model, _ = self._open()
        for batch in _batches(questions, self.settings.token_budget, self.settings.max_new_tokens):
            texts = model.complete([one.ids for one in batch], self.settings.max_new_tokens)
            yield [self._answer(one.group, text, one.truncated) for one, text in zip(batch, texts, strict=True)]

    def _questions(self, groups: Sequence[Group]) -> tuple[list[_Question], list[Answer]]:
        _, tokenizer = self._open()
        limit = self._limit()
        prompts = tokenizer.prompts([(group.query, _joined(group.passages)) for group in groups])
        questions, failures = [], []
        for group, prompt in zip(groups, prompts, strict=True):
            if fitting := truncate(prompt, limit - self.settings.max_new_tokens, None):
                questions.append(_Question(group, *fitting))
            else:
                reason = f"query and answer leave no room for a passage within {limit} tokens"
                failures.append(self._answer(group, "")._replace(reason=reason))
        return questions, failures

    def _answer(self, group: Group, text: str, truncated: int = 0) -> Answer:
        read = tuple(passage.passage_id for passage in group.passages)
        return Answer(self.name, group.query.query_id, read, text, truncated=truncated)

    def _limit(self) -> int:
        model, _ = self._open()
        limits = [limit for limit in (model.limit, self.settings.max_tokens) if limit is not None]
        if not limits:
            raise BadSetting("The model's configuration has no limit on its tokens.", "Set max_tokens.")
        return min(limits)

    def _open(self) -> tuple[Completer, PromptTokenizer]:
        if self._checkpoint is None:
            raise NothingToDo("The reader does not know its model yet.", "Call prepare(' ') first.")
        if self._loaded is None:
            from workbench.readers.generation import Completer

            model = Completer(*self._checkpoint)
            self._loaded = model, PromptTokenizer(model.tokenizer, self._template)
        return self._loaded


def _joined(passages: Sequence[Passage]) -> Passage | None:
    """Return passages as one, a single one as it is, None if there is none."""
    if len(passages) < 2:
        return passages[0] if passages else None
    return Passage("", "", BETWEEN_PASSAGES.join(passage.content.strip() for passage in passages))


def _batches(questions: Sequence[_Question], token_budget: int, new_tokens: int) -> Iterator[list[_Question]]:
    """Yield questions of one length together, the longest first.

    Padding would move absolute positions in the models that have them.
    """
    batch: list[_Question] = []
    for one in sorted(questions, key=lambda one: -len(one.ids)):
        is_full = (len(batch) + 1) * (len(one.ids) + new_tokens) > token_budget
        if batch and (is_full or len(batch[0].ids) != len(one.ids)):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
