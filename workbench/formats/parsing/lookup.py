"""What a workspace knows, as readers of files about it need it; and what they hand back."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from workbench.formats.parsing.gathering import Problem, Unreadable
from workbench.formats.parsing.values import read_id, read_text, shown
from workbench.records import Annotation, Candidate, Passage, Qrel, Query, Unit, Utility


@dataclass(frozen=True)
class ImportedRows:
    """Facts about a collection that came back in a file; no row named in `problems` is among them.

    `units` are those of the teachers of `utilities`, by name, as far as anyone has named them. `moment` is the time
    that annotations were given which had none of their own.
    """

    annotations: tuple[Annotation, ...] = ()
    utilities: tuple[Utility, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    qrels: tuple[Qrel, ...] = ()
    units: Mapping[str, Unit] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    moment: datetime | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows of each kind there are, of those there are any."""
        sizes = {name: len(getattr(self, name)) for name in ("annotations", "utilities", "candidates", "qrels")}
        return {name: size for name, size in sizes.items() if size} or {"rows": 0}


class Lookup:
    """The queries and passages that a file can be about, found by id or, where it has none, by text.

    A passage's text is title and text as one, joined as it says itself or by any of `title_joins`: a file may come from
    where they are joined otherwise. `passages` yields the passages, whose texts are read where a row has no id.
    """

    def __init__(
        self,
        queries: Sequence[Query],
        passage_ids: Iterable[str],
        passages: Callable[[], Iterable[Passage]],
        title_joins: Iterable[str] = (),
    ) -> None:
        self._queries, self._passages = queries, passages
        self._title_joins = tuple(title_joins)
        self._query_ids, self._passage_ids = {query.query_id for query in queries}, set(passage_ids)

    def query(self, query_id: Any, text: Any = None) -> str:
        """Return the id of the query that is meant; raises Unreadable if there is none or more than one."""
        if name := _known("query", query_id, self._query_ids):
            return name
        return self._query_texts.only("query", read_text(text, "query"))

    def passage(self, passage_id: Any, content: Any = None) -> str:
        """Return the id of the passage that is meant, `content` being title and text as students read them."""
        if name := _known("passage", passage_id, self._passage_ids):
            return name
        return self._passage_texts.only("passage", read_text(content, "passage"))

    @cached_property
    def _query_texts(self) -> _Texts:
        return _Texts((query.query_id, {query.text}) for query in self._queries)

    @cached_property
    def _passage_texts(self) -> _Texts:
        return _Texts(
            (
                passage.passage_id,
                {passage._replace(title_join=join).content for join in (passage.title_join, *self._title_joins)},
            )
            for passage in self._passages()
        )


class _Texts:
    """Whose texts are which, by hashes of 64 bits: 16 bytes a text, and the ids.

    Two texts of a million fall together with a probability of 3e-8; Python draws the hash function anew a process.
    """

    def __init__(self, texts: Iterable[tuple[str, Set[str]]]) -> None:
        import numpy as np

        self._ids: list[str] = []
        hashes, rows = array("q"), array("q")
        for name, of_row in texts:
            for text in of_row:
                hashes.append(hash(text))
                rows.append(len(self._ids))
            self._ids.append(name)
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._rows = np.asarray(hashes)[order], np.asarray(rows)[order]

    def only(self, kind: str, text: str) -> str:
        """Return the id of the one row with a text; raises Unreadable if there is none or more than one."""
        first, end = (int(self._hashes.searchsorted(hash(text), side)) for side in ("left", "right"))
        matching: list[str] = sorted(self._ids[row] for row in self._rows[first:end])
        if not matching:
            raise Unreadable(f"the workspace has no {kind} with the text {shown(text)}")
        if len(matching) > 1:
            one, other, *_ = matching
            raise Unreadable(f"the {kind} {shown(text)} may be {one!r} or {other!r}: they have the same text")
        return matching[0]


def _known(kind: str, given: Any, known: Set[str]) -> str:
    """Return the id that is given; "" if there is none. Raises Unreadable where it is not known."""
    if given is None or given == "":
        return ""
    if (name := read_id(given, f"{kind} id")) not in known:
        raise Unreadable(f"the workspace has no {kind} {name!r}, or no more than its id")
    return name
