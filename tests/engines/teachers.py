"""Teachers for tests of engines: the lexical one, slow, or one whose process ends in the midst, once or always."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.records import Group, Scored
from workbench.teachers.lexical import Lexical, LexicalSettings


@dataclass(frozen=True)
class OddSettings(LexicalSettings):
    """`log` notes the queries asked about; the process that is first to note `fatal` ends at once, as a rule."""

    log: str = ""
    fatal: str = ""
    always: bool = False
    pause: float = 0.0


class Odd(Lexical):
    """Gives what the lexical teacher gives, under its name."""

    settings: OddSettings

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        for group in groups:
            query_id = group.query.query_id
            with Path(self.settings.log).open("a", encoding="utf-8") as log:
                log.write(f"{query_id}\n")
            time.sleep(self.settings.pause)
            if query_id == self.settings.fatal and (self.settings.always or asked(self).count(query_id) == 1):
                os.kill(os.getpid(), signal.SIGKILL)
            yield from super().utilities([group])


class Unready(Odd):
    """Cannot begin, but where it was made first."""

    def prepare(self, collection: object) -> None:
        super().prepare(collection)  # type: ignore[arg-type]
        if Path(self.settings.log).exists():
            raise RuntimeError("no model here")
        Path(self.settings.log).touch()


def asked(teacher: Odd) -> list[str]:
    """Return the queries that a teacher was asked about, in whatever process."""
    log = Path(teacher.settings.log)
    return log.read_text(encoding="utf-8").split() if log.exists() else []
