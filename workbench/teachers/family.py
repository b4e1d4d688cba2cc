"""The members of an open family whose settings are a dataclass: what these are, and how a member is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pkgutil import resolve_name
from typing import Any, NamedTuple

from workbench.errors import BadSetting


class Setting(NamedTuple):
    """One setting of a teacher or a reader, as a shell or a page shows it; one that is `required` has no default."""

    name: str
    about: str
    default: Any
    required: bool


def settings_of(place: str) -> tuple[Setting, ...]:
    """Return the settings of the dataclass at "module:class", with what they mean and their defaults.

    Those that only go by name, such as a server's, come last.
    """
    return tuple(
        Setting(field.name, field.metadata["about"], None if field.default is MISSING else field.default,
                field.default is MISSING)
        for field in sorted(fields(resolve_name(place)), key=lambda field: field.kw_only is True)
    )  # fmt: skip


def make(member: str, implementation: str, settings: str, given: Mapping[str, Any]) -> Any:
    """Return an instance of `implementation`, made of its `settings`, both "module:class", with the values `given`.

    Raises BadSetting, naming the `member`, where a setting is unknown, missing, or cannot work.
    """
    known = {setting.name: setting for setting in settings_of(settings)}
    hint = f"It has: {', '.join(known)}."
    if unknown := sorted(set(given) - set(known)):
        raise BadSetting(f"The {member} has no setting {unknown[0]!r}.", hint)
    if missing := [name for name, setting in known.items() if setting.required and name not in given]:
        raise BadSetting(f"The {member} needs the setting {missing[0]!r}.", hint)
    made: Callable[[Any], Any] = resolve_name(implementation)
    return made(resolve_name(settings)(**given))
