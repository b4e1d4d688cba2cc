"""A collection of eight topics to learn from, its untrained student, and a teacher that takes its time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

from tests import tiny
from tests.conftest import utility
from tests.workspaces import copy_of
from workbench.records import Candidate, Failure, Group, Passage, Qrel, Query, Scored, Unit, Utility
from workbench.store import Store

ROOT = Path(__file__).parents[2]
TOPICS = 8
COPIES = 3
WORDS = ["the", "of", *(f"{kind}{n}" for kind in ("question", "answer") for n in range(TOPICS)), "x0", "x1", "x2"]
SPLITS = {"train": "the", "dev": "of", "test": "the of"}
# "the" and "of" hide the topic from an untrained mean of word vectors.
PASSAGES = tuple(
    Passage(f"p{topic}-{copy}", "", f"the of the answer{topic} x{copy} of the")
    for topic in range(TOPICS)
    for copy in range(COPIES)
)
QUERIES = tuple(
    Query(f"{split}{topic}", f"question{topic} {more}", (f"answer{topic}",), split)
    for split, more in SPLITS.items()
    for topic in range(TOPICS)
)


def collection(folder: Path) -> Store:
    """Return a workspace where the passages of a query's own topic are relevant, and useful to teacher "toy"."""
    return copy_of(topics, folder)


def topics(store: Store) -> None:
    """Fill a store with the collection, its qrels and candidates, and the utilities of teacher "toy"."""
    store.add_collection(QUERIES, PASSAGES, [Qrel(query.query_id, own, 1) for query, own, useful in pairs() if useful])
    store.add_candidates(Candidate(query.query_id, passage, "bm25") for query, passage, _ in pairs())
    utilities = [utility(query.query_id, passage, 2.0 if useful else -0.5) for query, passage, useful in pairs()]
    store.add_scored(utilities, "nats per token")


def pairs() -> Iterator[tuple[Query, str, bool]]:
    """Yield each query with six passages and whether they are useful: three of its topic, and three of others."""
    for query in QUERIES:
        topic = int(query.query_id[-1])
        for copy in range(COPIES):
            yield query, f"p{topic}-{copy}", True
            yield query, f"p{(topic + copy + 1) % TOPICS}-{copy}", False


def base(folder: Path) -> str:
    """Write an untrained student of a few words, always the same, and return its name: its folder."""
    tiny.static(seed=1, words=WORDS).save_pretrained(str(folder), create_model_card=False)
    return str(folder)


class Slow:
    """A teacher that gives a pair the same utility whenever it is asked, one pair at a time; a seventh of them fail."""

    name = "slow:1"
    unit: Unit = "nats per token"

    def __init__(self, pause: float = 0.0, interrupt_after: int | None = None) -> None:
        self.pause, self.interrupt_after = pause, interrupt_after
        self.asked: list[tuple[str, str]] = []

    def prepare(self, collection: Iterable[Passage]) -> None:
        """Read nothing."""

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        for group in groups:
            for passage in group.passages:
                if len(self.asked) == self.interrupt_after:
                    raise KeyboardInterrupt
                time.sleep(self.pause)
                self.asked.append((group.query.query_id, passage.passage_id))
                yield [scored(*self.asked[-1])]


def scored(query_id: str, passage_id: str) -> Scored:
    """Return what the slow teacher makes of a pair: a number of its ids, or a failure."""
    number = crc32(f"{query_id} {passage_id}".encode())
    if number % 7 == 3:
        return Failure(query_id, passage_id, Slow.name, "no answer")
    return Utility(query_id, passage_id, Slow.name, number % 1000 / 100)
