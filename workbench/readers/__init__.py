"""The readers by name: an open family of what answers queries from passages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from workbench.family import Setting, make, settings_of
from workbench.records import Answer, Group


class Reader(Protocol):
    """Anything that answers queries from passages."""

    @property
    def name(self) -> str:
        """Return model and prompt with their fingerprints as one word; known once the reader is prepared."""
        ...

    def prepare(self, title_join: str) -> None:
        """Get ready; what joins a passage's title to its text is part of the recipe where it is read."""
        ...

    def answers(self, groups: Sequence[Group]) -> Iterator[list[Answer]]:
        """Yield finished batches, in any order; every query of `groups` comes once, and a failure has its reason.

        A query's passages are read best first; a query without any is answered from itself.
        """
        ...


class ReaderKind(NamedTuple):
    """One kind of reader: how it answers, in one line, and where it is implemented.

    `implementation` and `settings` are "module:class", imported when they are used; the first is made of an instance of
    the second, a dataclass whose fields have an "about" in their metadata.
    """

    about: str
    implementation: str
    settings: str


READERS: dict[str, ReaderKind] = {
    "completion": ReaderKind(
        "a causal language model on this machine that continues a prompt template",
        "workbench.readers.completion:Completion",
        "workbench.readers.completion:CompletionSettings",
    ),
    "chat": ReaderKind(
        "an instruction-tuned model on this machine, asked by its chat template",
        "workbench.readers.chat:LocalReader",
        "workbench.readers.chat:LocalReaderSettings",
    ),
    "endpoint": ReaderKind(
        "an instruction-tuned model behind any server of chat completions",
        "workbench.readers.chat:ServerReader",
        "workbench.readers.chat:ServerReaderSettings",
    ),
}


def reader(kind: str, **settings: Any) -> Reader:
    """Return a reader by its name in READERS, not yet prepared.

    Parameters
    ----------
    kind : str
        "completion", "chat", or another name of READERS.
    **settings
        The settings of this kind of reader; `workbench read --help` lists them.

    Returns
    -------
    Reader
        A reader that `read` prepares: only then it has a name, and only then a model is loaded.

    Raises
    ------
    UnknownName
        If there is no reader of this kind.
    BadSetting
        If a setting is unknown, missing, or has a value that cannot work.

    Examples
    --------
    >>> reader = wb.reader("completion", model="HuggingFaceTB/SmolLM2-135M")
    >>> wb.reader("completion")
    Traceback (most recent call last):
    ...
    workbench.errors.BadSetting: The completion reader needs the setting 'model'. It has: model, template, ...
    """
    made: Reader = make("reader", READERS, kind, settings)
    return made


def reader_settings(kind: str) -> tuple[Setting, ...]:
    """Return the settings of a kind of reader, with what they mean and their defaults."""
    return settings_of("reader", READERS, kind)
