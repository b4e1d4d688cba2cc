"""Which settings a sweep tries: every combination of a few values, or a list, each with several seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import product
from typing import Any

from workbench.errors import BadSetting, WorkbenchError
from workbench.trainer.settings import TrainSettings

Values = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Grid:
    """What a sweep tries: every combination of setting -> values, or each of a list of settings; with every seed.

    `usual` holds for all of them unless they say otherwise. Without `seeds` the settings say which seed.
    """

    over: Values | Sequence[Mapping[str, Any]]
    seeds: Sequence[int] = ()
    usual: Mapping[str, Any] = field(default_factory=dict)

    def settings(self) -> list[TrainSettings]:
        """Return what is to be trained, seed after seed of each combination, no two alike.

        Raises BadSetting with everything that is wrong with any of it: hours may lie before the last one.
        """
        tables = list(self._tables())
        if problems := self._problems(tables):
            raise BadSetting(
                f"The sweep cannot start: {' '.join(problems)}" if len(problems) == 1 else
                f"The sweep cannot start, for {len(problems)} reasons: {' '.join(problems)}",
                f"Settings are: {', '.join(_names())}.",
            )  # fmt: skip
        return list(dict.fromkeys(TrainSettings(**table) for table in tables))

    def _tables(self) -> Iterator[dict[str, Any]]:
        """Yield the settings of each training, seed after seed."""
        over = self.over
        if isinstance(over, Mapping):
            own = [dict(zip(over, values, strict=True)) for values in product(*over.values())]
        else:
            own = [dict(table) for table in over]
        for table in own:
            for seed in self.seeds or (None,):
                yield {**self.usual, **table, **({} if seed is None else {"seed": seed})}

    def _problems(self, tables: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return what is wrong: of the grid, of single values, and of values that cannot go together."""
        over = [self.over] if isinstance(self.over, Mapping) else self.over
        problems = [] if tables else ["There is nothing to try: a setting without values, or no settings."]
        if self.seeds and any("seed" in table for table in over):
            problems.append("Seeds are given twice, as a setting and as seeds.")
        single = {(name, repr(value)): value for table in tables for name, value in table.items()}
        for (name, _), value in single.items():
            problems += _wrong({name: value}) if name in _names() else [f"There is no setting {name!r}."]
        if not problems:
            problems = [problem for table in tables for problem in _wrong(table)]
        return list(dict.fromkeys(problems))


def read_values(given: Sequence[str]) -> dict[str, list[Any]]:
    """Return setting -> values of texts such as `loss=kl,infonce`; commas inside brackets or quotes do not split.

    A value is what JSON reads (`0.5`, `null`), else the text itself.
    """
    values: dict[str, list[Any]] = {}
    for text in given:
        name, _, listed = text.partition("=")
        name = name.strip().replace("-", "_")
        if not name or not listed.strip():
            raise BadSetting(f"{text!r} is not NAME=VALUE,VALUE,…", "Example: loss=kl,utility_infonce")
        if name in values:
            raise BadSetting(f"The setting {name!r} is named twice.", "Give all its values at once, with commas.")
        values[name] = [_value(part) for part in _split(listed)]
        if "" in values[name]:
            raise BadSetting(f"{text!r} has an empty value.", "Example: loss=kl,utility_infonce")
    return values


def _split(text: str) -> list[str]:
    parts, depth, quoted = [""], 0, False
    for character in text:
        quoted ^= character == '"'
        depth += 0 if quoted else (character in "([{") - (character in ")]}")
        if character == "," and depth == 0 and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    if depth or quoted:
        raise BadSetting(f"A bracket or a quote is left open in {text!r}.", "Close it.")
    return [part.strip() for part in parts]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _names() -> list[str]:
    return [setting.name for setting in fields(TrainSettings)]


def _wrong(settings: Mapping[str, Any]) -> list[str]:
    try:
        hash(TrainSettings(**settings))
    except WorkbenchError as error:
        return [str(error)]
    except TypeError:
        return [f"{', '.join(f'{name}={value!r}' for name, value in settings.items())} is not a plain value."]
    return []
