"""Ingest: look at a person's files, say what is in them, and only then write them to the workspace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, UnknownName
from workbench.formats import READERS, Collection, Problem, Ranking, read_run
from workbench.records import Hit, Run
from workbench.store import Added, Store, views

KINDS = (*READERS, "run")


@dataclass(frozen=True)
class Preview:
    """What an ingest would write: every row that can be read, and every problem with file and line."""

    kind: str
    source: str
    found: Collection
    rankings: Ranking | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return what cannot be read, in the order of the files."""
        return self.rankings.problems if self.rankings else self.found.problems

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows of each kind there are."""
        if self.rankings:
            return {"queries": len({hit[0] for hit in self.rankings.hits}), "hits": len(self.rankings.hits)}
        found = self.found
        return {"queries": len(found.queries), "passages": len(found.passages), "qrels": len(found.qrels)}


@dataclass(frozen=True)
class Ingested:
    """What an ingest wrote, and what it left out because it was asked to skip bad lines."""

    kind: str
    source: str
    added: Added
    hits: int
    duplicates: int
    skipped: tuple[Problem, ...]


def preview(
    kind: str,
    path: Path | str,
    columns: Mapping[str, str] | None = None,
    *,
    store: Store | None = None,
) -> Preview:
    """Read files of a kind ("beir", "table", "qrels", "run") and write nothing.

    `columns` says how a table spells its columns. With a `store`, qrels and runs about queries or
    passages that it does not hold are problems too.
    """
    if kind not in KINDS:
        raise UnknownName("format", kind, list(KINDS))
    if kind == "run":
        ranking = read_run(path)
        return Preview(kind, str(path), Collection(), _known_hits(store, ranking, path) if store else ranking)
    settings: dict[str, Any] = {"columns": columns} if kind == "table" and columns else {}
    found = READERS[kind](path, **settings)
    return Preview(kind, str(path), _known_qrels(store, found, path) if store and kind == "qrels" else found)


def ingest(
    store: Store,
    kind: str,
    path: Path | str,
    columns: Mapping[str, str] | None = None,
    *,
    skip_bad: bool = False,
    replace_changed: bool = False,
) -> Ingested:
    """Write what the files hold to the workspace, all of it in one transaction or nothing.

    A line that cannot be read stops it with BadInput, unless `skip_bad`; then it is listed in the
    result. The same files twice change nothing. `replace_changed` lets new content replace old.
    """
    seen = preview(kind, path, columns, store=store)
    if seen.problems and not skip_bad:
        first, more = seen.problems[0], len(seen.problems) - 1
        raise BadInput(
            first.what + (f" (and {more:,} more problems)" if more else ""),
            first.file,
            first.line,
            "Nothing was written. Mend the file, or skip bad lines (--skip-bad-lines) and get a list of them.",
        )
    if seen.rankings:
        hits = _add_run(store, seen.rankings)
        return Ingested(kind, str(path), Added(0, 0, 0, 0, 0), hits, 0, seen.problems)
    found = seen.found
    added = store.add_collection(found.queries, found.passages, found.qrels, replace=replace_changed)
    return Ingested(kind, str(path), added, 0, found.duplicates, seen.problems)


def _known_qrels(store: Store, found: Collection, path: Path | str) -> Collection:
    queries, passages = _ids(store)
    known = tuple(qrel for qrel in found.qrels if qrel.query_id in queries and qrel.passage_id in passages)
    unknown = [
        Problem(str(path), 0, _unknown(qrel.query_id, qrel.passage_id, queries))
        for qrel in found.qrels
        if qrel.query_id not in queries or qrel.passage_id not in passages
    ]
    return replace(found, qrels=known, problems=(*found.problems, *unknown))


def _known_hits(store: Store, ranking: Ranking, path: Path | str) -> Ranking:
    queries, passages = _ids(store)
    known = tuple(hit for hit in ranking.hits if hit[0] in queries and hit[1] in passages)
    unknown = [
        Problem(str(path), 0, _unknown(hit[0], hit[1], queries))
        for hit in ranking.hits
        if hit[0] not in queries or hit[1] not in passages
    ]
    return replace(ranking, hits=known, problems=(*ranking.problems, *unknown))


def _ids(store: Store) -> tuple[set[str], set[str]]:
    return {q.query_id for q in views.queries(store)}, {p.passage_id for p in views.passages(store)}


def _unknown(query_id: str, passage_id: str, queries: set[str]) -> str:
    if query_id not in queries:
        return f"the workspace has no query {query_id!r}"
    return f"the workspace has no passage {passage_id!r}"


def _add_run(store: Store, ranking: Ranking) -> int:
    """Add an imported ranking as one run a split, in trec_eval's order; return how many hits."""
    split_of = {query.query_id: query.split for query in views.queries(store)}
    ranked: defaultdict[str, dict[str, list[tuple[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for query_id, passage_id, similarity in ranking.hits:
        ranked[split_of[query_id]][query_id].append((passage_id, similarity))
    collection = views.collection_fingerprint(store)
    for split, queries in ranked.items():
        name = f"{ranking.name}@{split}"
        hits = [
            Hit(name, query_id, passage_id, rank, similarity)
            for query_id, pairs in queries.items()
            for rank, (passage_id, similarity) in enumerate(ordered(pairs), start=1)
        ]
        depth = max(hit.rank for hit in hits)
        store.add_run(Run(name, ranking.name, split, depth, collection, datetime.now(UTC)), hits)
    return len(ranking.hits)


def ordered(pairs: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return (passage_id, similarity) by similarity, ties by id from the end of the alphabet (trec_eval)."""
    return sorted(sorted(pairs, reverse=True), key=lambda pair: pair[1], reverse=True)
