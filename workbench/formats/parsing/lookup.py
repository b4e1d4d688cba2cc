"""What a workspace knows, as readers of files about it need it; and what they hand back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
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
    where they are joined otherwise.
    """

    def __init__(self, queries: Iterable[Query], passages: Iterable[Passage], title_joins: Iterable[str] = ()) -> None:
        self._queries = {query.query_id: query.text for query in queries}
        joins, known = tuple(title_joins), list(passages)
        self._passages = {passage.passage_id for passage in known}
        contents = (
            (passage.passage_id, content)
            for passage in known
            for content in {passage._replace(title_join=join).content for join in (passage.title_join, *joins)}
        )
        self._by_text = {"query": _inverse(self._queries.items()), "passage": _inverse(contents)}

    def query(self, query_id: Any, text: Any = None) -> str:
        """Return the id of the query that is meant; raises Unreadable if there is none or more than one."""
        return self._find("query", self._queries, query_id, text)

    def passage(self, passage_id: Any, content: Any = None) -> str:
        """Return the id of the passage that is meant, `content` being title and text as students read them."""
        return self._find("passage", self._passages, passage_id, content)

    def _find(self, kind: str, known: Container[str], given: Any, text: Any) -> str:
        if given is not None and given != "":
            if (name := read_id(given, f"{kind} id")) not in known:
                raise Unreadable(f"the workspace has no {kind} {name!r}, or no more than its id")
            return name
        matching = self._by_text[kind].get(read_text(text, kind), [])
        if not matching:
            raise Unreadable(f"the workspace has no {kind} with the text {shown(text)}")
        if len(matching) > 1:
            one, other, *_ = matching
            raise Unreadable(f"the {kind} {shown(text)} may be {one!r} or {other!r}: they have the same text")
        return matching[0]


def _inverse(texts: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    matching = defaultdict(list)
    for name, text in texts:
        matching[text].append(name)
    return dict(matching)
