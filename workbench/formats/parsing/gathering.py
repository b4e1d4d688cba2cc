"""What a reader hands back: rows, and what it could not read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from workbench.errors import BadInput
from workbench.records import Passage, Qrel, Query

Key = TypeVar("Key", str, tuple[str, str])
Row = TypeVar("Row", Query, Passage, Qrel)


class Problem(NamedTuple):
    """Something in a file that cannot be read; `line` counts from 1, in Parquet it is the row."""

    file: str
    line: int
    what: str


@dataclass(frozen=True)
class Collection:
    """Queries, passages and qrels of files; no row named in `problems` is among the others.

    `duplicates` counts rows that repeat an earlier one and say nothing new.
    """

    queries: tuple[Query, ...] = ()
    passages: tuple[Passage, ...] = ()
    qrels: tuple[Qrel, ...] = ()
    problems: tuple[Problem, ...] = ()
    duplicates: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows of each kind there are."""
        return {name: len(getattr(self, name)) for name in ("queries", "passages", "qrels")}


@dataclass(frozen=True)
class Ranking:
    """A run as its file has it: (query id, passage id, similarity), in the order of the file."""

    name: str
    hits: tuple[tuple[str, str, float], ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Return how many queries are ranked for, and how many hits there are."""
        return {"queries": len({query_id for query_id, _, _ in self.hits}), "hits": len(self.hits)}


@dataclass(frozen=True)
class Rankings:
    """The runs of a folder; `unreadable` are the files that cannot be read at all."""

    rankings: tuple[Ranking, ...] = ()
    unreadable: tuple[Problem, ...] = ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return the files and lines that cannot be read."""
        return (*self.unreadable, *(problem for ranking in self.rankings for problem in ranking.problems))

    @property
    def counts(self) -> dict[str, int]:
        """Return how many runs, queries that any of them ranks for, and hits there are."""
        queries = {query_id for ranking in self.rankings for query_id, _, _ in ranking.hits}
        hits = sum(len(ranking.hits) for ranking in self.rankings)
        return {"runs": len(self.rankings), "queries": len(queries), "hits": hits}


class Unreadable(Exception):
    """One row cannot be read; never leaves this family, `Gathering.reading` makes it a `Problem`."""


class Gathering:
    """The rows of a collection while its files are being read."""

    def __init__(self) -> None:
        self.queries: dict[str, Query] = {}
        self.passages: dict[str, Passage] = {}
        self.qrels: dict[tuple[str, str], Qrel] = {}
        self.problems: list[Problem] = []
        self.duplicates = 0
        self._file = ""
        self._line = 0
        self._places: dict[object, tuple[str, int]] = {}
        self._handed_on: dict[int, int] = {}  # hash of a row's kind and key -> hash of the row

    @contextmanager
    def reading(self, file: Path, line: int) -> Iterator[None]:
        """Read one row within: what is unreadable there becomes a problem, and reading goes on."""
        self._file, self._line = str(file), line
        try:
            yield
        except Unreadable as trouble:
            self.problems.append(Problem(self._file, self._line, str(trouble)))

    def keep_query(self, query: Query) -> bool:
        """Keep a query; return whether it was new. Refuses another content under a known id."""
        return self._keep(self.queries, query.query_id, query, f"query {query.query_id!r}")

    def keep_passage(self, passage: Passage) -> bool:
        """Keep a passage; return whether it was new. Refuses another content under a known id."""
        return self._keep(self.passages, passage.passage_id, passage, f"passage {passage.passage_id!r}")

    def keep_qrel(self, qrel: Qrel) -> bool:
        """Keep a qrel; return whether it was new. Refuses another relevance for a known pair."""
        pair = (qrel.query_id, qrel.passage_id)
        return self._keep(self.qrels, pair, qrel, f"the relevance of {pair[1]!r} for {pair[0]!r}")

    def collection(self) -> Collection:
        """Return what was kept in reading order, and the problems file by file from top to bottom."""
        files = list(dict.fromkeys(problem.file for problem in self.problems))
        problems = sorted(self.problems, key=lambda problem: (files.index(problem.file), problem.line))
        return Collection(
            queries=tuple(self.queries.values()),
            passages=tuple(self.passages.values()),
            qrels=tuple(self.qrels.values()),
            problems=tuple(problems),
            duplicates=self.duplicates,
        )

    def hand_on(self) -> Collection:
        """Return what was kept since the last time and forget it; later rows are still held against all of it.

        Of the rows hashes are kept: two that fall together only make a file look irregular.
        """
        collection = self.collection()
        for rows in (self.queries, self.passages, self.qrels):
            self._handed_on |= {hash((type(row), key)): hash(row) for key, row in rows.items()}
            rows.clear()
        self._places.clear()
        self.duplicates = 0
        return collection

    def must_be_regular(self) -> None:
        """Raise BadInput for the first problem."""
        if self.problems:
            raise BadInput(self.problems[0].what, self.problems[0].file, self.problems[0].line)

    def _keep(self, rows: dict[Key, Row], key: Key, row: Row, name: str) -> bool:
        place = (type(row), key)
        if (known := rows.get(key)) is None:
            if (digest := self._handed_on.get(hash(place))) is not None:
                if digest != hash(row):
                    raise Unreadable(f"{name} is given differently before")
                return False
            rows[key] = row
            self._places[place] = (self._file, self._line)
            return True
        if known != row:
            file, line = self._places[place]
            other = f"line {line}" if file == self._file else f"{file}, line {line}"
            raise Unreadable(f"{name} is given differently on {other}")
        return False
