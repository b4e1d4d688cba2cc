"""Split: say which queries train, which choose and which test, so that nothing tested was seen in training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from workbench import students
from workbench.errors import BadInput, BadSetting, NothingToDo, UnknownName
from workbench.formats.parsing.values import known_split
from workbench.formats.query_values import read_query_values
from workbench.records import SPLITS
from workbench.results import Result
from workbench.steps.data.splits.groups import connected, placed
from workbench.steps.data.splits.leaks import Leaks, leaks
from workbench.steps.data.splits.near_duplicates import refresh_near_duplicates
from workbench.store import Store
from workbench.store.splits import SplitQuery, set_splits, shared_texts, split_queries

SHARES = (0.6, 0.2, 0.2)
SPLIT_COLUMN = "split"  # of a file: what it says is no group but the split itself
Shares = Sequence[float] | Mapping[str, float]


class Column(NamedTuple):
    """A column of a table with query_id: equal values are not divided; one named "split" says the split."""

    path: Path | str
    name: str = ""


class SplitSize(NamedTuple):
    """How many queries a split has, and how many of them have a relevant passage."""

    split: str
    queries: int
    judged: int


@dataclass(frozen=True)
class SplitResult(Result):
    """The splits there are now, and what leaks between them.

    `moved` queries have another split than before. `left_out` are without a split, because they belong to a group with
    queries that stay in dev or test. `largest` is the size of the largest group. `trained` names the students that
    were trained before: they may have learnt on what is tested now.
    """

    columns: ClassVar = {
        "split": "train, dev or test; empty for queries that are in none",
        "queries": "its queries",
        "judged": "those with a relevant passage",
    }

    by: str
    seed: int
    splits: tuple[SplitSize, ...]
    moved: int
    left_out: int
    largest: int
    leaks: Leaks
    trained: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """Return sizes and leaks in a few sentences."""
        sizes = ", ".join(f"{size.queries:,} {size.split or 'without a split'}" for size in self.splits)
        sentences = [f"Split by {self.by}: {sizes} queries; {self.moved:,} have another split than before."]
        if self.left_out:
            sentences.append(f"{self.left_out:,} have none: they share something with queries that stay.")
        if self.leaks.of:
            sentences.append(self.leaks.in_words)
        if self.leaks.of and self.by != "passages":
            sentences.append("`workbench split --by passages` puts queries that share passages on one side.")
        if self.moved and self.trained:
            names = ", ".join(self.trained[:3]) + (", …" if len(self.trained) > 3 else "")
            sentences.append(f"Trained before, and maybe on what is tested now: {names}. Train anew.")
        return " ".join(sentences)

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each split."""
        return self.splits


def split(
    store: Store,
    by: str | Column = "query",
    shares: Shares = SHARES,
    seed: int = 13,
    keep: Sequence[str] = (),
    of: Sequence[str] = (),
) -> SplitResult:
    """Give the queries of a workspace splits; utilities, candidates, annotations and rankings stay.

    The same seed and ids give the same splits, in whatever order the queries came. A ranking stays what it is, and is
    filed under the run of its query's new split.

    Parameters
    ----------
    store : Store
        The workspace.
    by : str or Column
        What is not divided. "query": nothing. "passages": queries that share a relevant passage or a near-duplicate of
        one, or a wording, be it by way of others. "tag": queries that share a tag. A file, or a `Column` of one:
        queries with the same value there; a column named "split" says the split itself.
    shares : sequence of three numbers, or mapping
        How much goes to train, dev and test.
    seed : int
        Another seed gives other splits.
    keep : sequence of str
        Splits whose queries stay there; their shares fall to the others.
    of : sequence of str
        Split only the queries of these splits; of all unless given.

    Returns
    -------
    SplitResult
        The sizes of the splits, and what leaks between them.

    Raises
    ------
    NothingToDo
        There are no queries to split, or a split would have none that can be measured.
    BadSetting
        Shares, `keep` or `of` make no sense.
    UnknownName
        `keep` or `of` names no split.
    BadInput
        The file cannot be read, or names queries that are not there.

    Examples
    --------
    >>> result = wb.split(store, by="passages", shares=(0.5, 0.25, 0.25))
    >>> [(size.split, size.queries) for size in result.splits]
    [('train', 12), ('dev', 6), ('test', 6)]
    >>> result.leaks.of
    {}
    """
    wanted = _shares(shares, keep)
    refresh_near_duplicates(store)
    queries = split_queries(store)
    movable = _movable(queries, keep, of)
    name, shared = _shared(store, queries, by)
    largest = 1
    if name == SPLIT_COLUMN:
        splits = {query_id: value for query_id, value in shared if query_id in movable}
    else:
        groups = connected(queries, shared)
        largest, splits = max(map(len, groups)), placed(groups, movable, wanted, seed)
        _must_be_measurable(queries, splits, wanted, largest)
    set_splits(store, splits)
    return SplitResult(
        by=name,
        seed=seed,
        splits=_sizes(split_queries(store)),
        moved=sum(splits.get(query.query_id, query.split) != query.split for query in queries),
        left_out=sum(not split for split in splits.values()),
        largest=largest,
        leaks=leaks(store),
        trained=tuple(student.name for student in students.trained(store.students) if "teacher" in student.recipe),
    )


def _shares(shares: Shares, keep: Sequence[str]) -> dict[str, float]:
    """Return split -> its share, without the splits that stay as they are."""
    named = dict(shares) if isinstance(shares, Mapping) else dict(zip(SPLITS, shares, strict=False))
    if unknown := [name for name in named if name not in SPLITS]:
        raise UnknownName("split", unknown[0], list(SPLITS))
    wanted = {name: named[name] for name in SPLITS if named.get(name) and name not in keep}
    usable = all(math.isfinite(share) and share >= 0 for share in named.values())
    if not wanted or not usable or (not isinstance(shares, Mapping) and len(shares) != len(SPLITS)):
        raise BadSetting(f"The shares are {shares!r}.", "Give how much goes to train, dev and test: 60, 20, 20.")
    return wanted


def _movable(queries: Sequence[SplitQuery], keep: Sequence[str], of: Sequence[str]) -> frozenset[str]:
    """Return the ids of the queries that are to be split."""
    known = sorted({query.split for query in queries})
    if unknown := [name for name in (*keep, *of) if name not in known]:
        raise UnknownName("split with queries", unknown[0], known)
    if both := [name for name in keep if name in of]:
        raise BadSetting(f"The {both[0]} split is to stay as it is and to be split.", "Name it once.")
    movable = frozenset(
        query.query_id for query in queries if query.split not in keep and (not of or query.split in of)
    )
    if not movable:
        raise NothingToDo("There are no queries to split.", "Run `workbench ingest` first, or keep fewer splits.")
    return movable


def _shared(store: Store, queries: Sequence[SplitQuery], by: str | Column) -> tuple[str, list[tuple[str, str]]]:
    """Return what queries are split by, and pairs of a query and what it shares with others; of a file its rows."""
    if by == "query":
        return by, []
    if by == "passages":
        return by, shared_texts(store)
    if by == "tag":
        return by, [(query.query_id, tag) for query in queries for tag in query.tags]
    path, column = by if isinstance(by, Column) else Column(by)
    name, values = read_query_values(Path(path), column)
    known = {query.query_id for query in queries}
    for query_id, (value, line) in values.items():
        if query_id not in known:
            raise BadInput(f"the workspace has no query {query_id!r}.", path, line)
        if name == SPLIT_COLUMN and not known_split(value):
            raise BadInput(f"split must be one of {', '.join(SPLITS)}, not {value!r}.", path, line)
    read = known_split if name == SPLIT_COLUMN else str
    return name, [(query_id, read(value)) for query_id, (value, _) in values.items()]


def _must_be_measurable(
    queries: Sequence[SplitQuery], splits: Mapping[str, str], wanted: Mapping[str, float], largest: int
) -> None:
    """Raise NothingToDo if there are relevant passages, but not for the queries of each split that is asked for."""
    after = _sizes([query._replace(split=splits.get(query.query_id, query.split)) for query in queries])
    judged = {size.split: size.judged for size in after}
    if any(judged.values()) and (without := [name for name in wanted if not judged.get(name)]):
        movable = sum(query.judged for query in queries if query.query_id in splits)
        raise NothingToDo(
            f"The {without[0]} split would have no query with a relevant passage; the largest undivided group "
            f"has {largest:,} of {len(queries):,} queries. Nothing was changed.",
            "Change the shares, keep fewer splits, or split by something else."
            if movable >= len(wanted)
            else f"{len(wanted)} splits need as many queries with a relevant passage: ingest more of them.",
        )


def _sizes(queries: Iterable[SplitQuery]) -> tuple[SplitSize, ...]:
    """Return the sizes of the splits, queries without one last."""
    counts: dict[str, list[int]] = {}
    for query in queries:
        size = counts.setdefault(query.split, [0, 0])
        size[0] += 1
        size[1] += query.judged
    return tuple(SplitSize(name, *counts[name]) for name in (*SPLITS, "") if name in counts)
