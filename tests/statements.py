"""Looking at the statements that are sent to a database, in place of what holds a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

See = Callable[[duckdb.DuckDBPyConnection, str], None]


def seen_by(see: See, using: Callable[..., Any]) -> Callable[..., Any]:
    """Return a way to hold a connection that calls `see` with it and each statement before it is run."""

    class Seen:
        def __init__(self, held: duckdb.DuckDBPyConnection) -> None:
            self._held = held

        def execute(self, statement: str, *values: Any) -> Any:
            see(self._held, statement)
            return self._held.execute(statement, *values)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._held, name)

    @contextmanager
    def held(*arguments: Any) -> Iterator[Any]:
        with using(*arguments) as inner:
            yield Seen(inner)

    return held
