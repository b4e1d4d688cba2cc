"""The members of an open family whose settings are a dataclass: what these are, and how a member is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pkgutil import resolve_name
from typing import Any, NamedTuple, Protocol

from workbench.errors import BadSetting, UnknownName


class Setting(NamedTuple):
    """One setting of a teacher or a reader, as a shell or a page shows it; one that is `required` has no default."""

    name: str
    about: str
    default: Any
    required: bool


class Kind(Protocol):
    """An entry of a family's table: where a kind is implemented, and its settings, both as "module:class"."""

    @property
    def implementation(self) -> str:
        """Return the place of what is made of an instance of the settings."""
        ...

    @property
    def settings(self) -> str:
        """Return the place of a dataclass whose fields have an "about" in their metadata."""
        ...


def settings_of(family: str, kinds: Mapping[str, Kind], name: str) -> tuple[Setting, ...]:
    """Return the settings of the kind of that `name`, with what they mean and their defaults.

    Those that only go by name, such as a server's, come last. Raises UnknownName where there is no such kind.
    """
    if name not in kinds:
        raise UnknownName(family, name, sorted(kinds))
    return tuple(
        Setting(field.name, field.metadata["about"], None if field.default is MISSING else field.default,
                field.default is MISSING)
        for field in sorted(fields(resolve_name(kinds[name].settings)), key=lambda field: field.kw_only is True)
    )  # fmt: skip


def make(family: str, kinds: Mapping[str, Kind], name: str, given: Mapping[str, Any]) -> Any:
    """Return a member of a family, such as "teacher": of the kind of that `name`, with the settings `given`.

    Raises UnknownName where there is no such kind, and BadSetting where a setting is unknown, missing, or cannot work.
    """
    known = {setting.name: setting for setting in settings_of(family, kinds, name)}
    hint = f"It has: {', '.join(known)}."
    if unknown := sorted(set(given) - set(known)):
        raise BadSetting(f"The {name} {family} has no setting {unknown[0]!r}.", hint)
    if missing := [setting for setting in known if known[setting].required and setting not in given]:
        raise BadSetting(f"The {name} {family} needs the setting {missing[0]!r}.", hint)
    made: Callable[[Any], Any] = resolve_name(kinds[name].implementation)
    return made(resolve_name(kinds[name].settings)(**given))
