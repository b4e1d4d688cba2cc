"""The judge teacher: what a language model says in words about the usefulness of passages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from workbench.errors import NothingToDo
from workbench.records import Group, Passage, Scored, Unit
from workbench.teachers.chat.local import LocalChat
from workbench.teachers.chat.protocol import Chat
from workbench.teachers.endpoint.budget import Usage
from workbench.teachers.judge import asking
from workbench.teachers.judge.asking import Asking
from workbench.teachers.judge.dry_run import DryRun
from workbench.teachers.judge.judging import Judged, Judging
from workbench.teachers.judge.lists import first, listwise
from workbench.teachers.judge.pairwise import pairwise
from workbench.teachers.judge.pointwise import pointwise
from workbench.teachers.judge.prompts import judge_prompt
from workbench.teachers.judge.selection import selection
from workbench.teachers.judge.settings import UNITS, Form, JudgeSettings

FORMS: dict[Form, Callable[[Judging], Asking[list[Judged]]]] = {
    "pointwise": pointwise,
    "listwise": listwise,
    "pairwise": pairwise,
    "first": first,
    "selection": selection,
}


class Judge:
    """Asks a chat model how useful passages are, in one of five forms, whose papers stand with them.

    What the model writes is parsed strictly: an answer that has not the form that was asked for is a failure, which
    keeps the answer to be read.
    """

    def __init__(self, settings: JudgeSettings, chat: Chat | None = None) -> None:
        self.settings = settings
        self._prompt = judge_prompt(settings.form, settings.prompt)
        self._chat = chat
        self._name = ""

    @property
    def name(self) -> str:
        """Return the recipe: the model, the form, the prompt's name and fingerprint, and the form's settings."""
        if not self._name:
            raise NothingToDo("The judge does not know its model yet.", "Call prepare(()) first.")
        return self._name

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        return UNITS[self.settings.form]

    def prepare(self, collection: Iterable[Passage] = ()) -> None:
        """Find the model and fingerprint its files; it is loaded, or its server asked, with the first question.

        How titles are joined to texts is part of the recipe, as `collection` has it.
        """
        settings = self.settings
        if self._chat is None and settings.url:
            # The server's client is imported by those who ask one.
            from workbench.teachers.chat.endpoint import EndpointChat

            self._chat = EndpointChat(settings.server, settings.seed)
        elif self._chat is None:
            self._chat = LocalChat(settings.model, settings.dtype, settings.device, settings.seed)
        title_join = next((passage.title_join for passage in collection), " ")
        reading = [self._prompt.fingerprint, title_join, settings.max_passage_words]
        prompt = f"{self._prompt.name}-{sha256(json.dumps(reading).encode()).hexdigest()[:6]}"
        self._name = f"judge:{self._chat.name}:{settings.form}-{prompt}:{settings.recipe}"

    @property
    def spent(self) -> Usage | None:
        """Return what a server was asked for so far; None for a model on this machine."""
        return getattr(self._chat, "spent", None)

    def estimate(self, groups: Sequence[Group]) -> Usage | None:
        """Return about what a server is asked for to judge these pairs; None for a model on this machine.

        Where later questions depend on replies, these are made up: see `DryRun`.
        """
        if self.spent is None:
            return None
        dry_run = DryRun(self.settings, Usage(prices=self.spent.prices))
        for _ in asking.run(self._askings(groups), dry_run, self.settings.prompts_at_once):
            pass
        return dry_run.usage

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield the rows of a pair or a query as soon as its last reply is there; stopping in between is safe."""
        if self._chat is None or not self._name:
            raise NothingToDo("The judge does not know its model yet.", "Call prepare(()) first.")
        yield from asking.run(self._askings(groups), self._chat, self.settings.prompts_at_once)

    def _askings(self, groups: Sequence[Group]) -> Iterator[Asking[list[Scored]]]:
        form = FORMS[self.settings.form]
        return (judging.rows(form(judging)) for group in groups for judging in self._judgings(group))

    def _judgings(self, group: Group) -> Iterator[Judging]:
        """Yield what is judged together: single passages where the form is pointwise, else all of a query."""
        together = [(passage,) for passage in group.passages] if self.settings.form == "pointwise" else [group.passages]
        for passages in together:
            yield Judging(group, passages, self.settings, self._prompt, self.name)
