"""The teachers by name: who can say how useful a passage is for a query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Protocol

from workbench.errors import BadSetting, UnknownName
from workbench.records import Group, Passage, Scored, Unit


class Teacher(Protocol):
    """Anything that can say how useful passages are for queries."""

    @property
    def name(self) -> str:
        """Return the whole recipe as one word; known once the teacher is prepared."""
        ...

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        ...

    def prepare(self, collection: Iterable[Passage]) -> None:
        """Get ready: read of `collection` what the recipe needs, which may be nothing."""
        ...

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield finished batches, in any order; every pair of `groups` comes exactly once."""
        ...


def _likelihood(**settings: Any) -> Teacher:
    from workbench.teachers.likelihood.teacher import Likelihood, LikelihoodSettings

    _check("likelihood", LikelihoodSettings, settings)
    return Likelihood(LikelihoodSettings(**settings))


def _lexical(**settings: Any) -> Teacher:
    from workbench.teachers.lexical import Lexical, LexicalSettings

    _check("lexical", LexicalSettings, settings)
    return Lexical(LexicalSettings(**settings))


TEACHERS: dict[str, Callable[..., Teacher]] = {"likelihood": _likelihood, "lexical": _lexical}


def teacher(kind: str, **settings: Any) -> Teacher:
    """Return a teacher of this kind, not yet prepared; raise on a kind or setting nobody knows."""
    if kind not in TEACHERS:
        raise UnknownName("teacher", kind, sorted(TEACHERS))
    return TEACHERS[kind](**settings)


def _check(kind: str, form: type, settings: Mapping[str, Any]) -> None:
    known = {field.name: field for field in fields(form)}
    if strange := sorted(set(settings) - set(known)):
        raise BadSetting(f"The {kind} teacher has no setting {strange[0]!r}.", f"It has: {', '.join(known)}.")
    needed = [name for name, field in known.items() if field.default is MISSING and name not in settings]
    if needed:
        raise BadSetting(f"The {kind} teacher needs the setting {needed[0]!r}.", f"It has: {', '.join(known)}.")
