"""A reader without a model, whose answers follow from what it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workbench.records import Answer, Group


@dataclass
class FirstWords:
    """Answers with the first words of the best passage; `read` holds what it was asked, (query_id, passage ids)."""

    words: int = 2
    failing: frozenset[str] = frozenset()
    interrupted_after: int | None = None
    read: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    name: str = ""

    def prepare(self, title_join: str) -> None:
        self.name = f"first-words-{self.words}"

    def answers(self, groups: Sequence[Group]) -> Iterator[list[Answer]]:
        for query, passages in groups:
            if self.interrupted_after is not None and len(self.read) >= self.interrupted_after:
                raise KeyboardInterrupt
            ids = tuple(passage.passage_id for passage in passages)
            self.read.append((query.query_id, ids))
            text = " ".join(passages[0].text.split()[: self.words]) if passages else ""
            reason = "the server hung up" if query.query_id in self.failing else ""
            yield [Answer(self.name, query.query_id, ids, "" if reason else text, reason)]
