"""The queries that a student learns from, where not all: those a person names, those on which a teacher has a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite
from pathlib import Path

from workbench.columns.examples import Examples
from workbench.errors import BadInput, BadSetting, NothingToDo
from workbench.formats.parsing.gathering import Problem
from workbench.formats.parsing.lines import open_text
from workbench.results import counted
from workbench.store import Store, views


@dataclass(frozen=True)
class ExampleFilter:
    """Which of a teacher's examples a student learns from: all of them unless a filter is set.

    With `annotated` only queries that people judged, where their settled verdicts override the teacher; with `queries`
    only those: a file of query ids, one a line, or the ids themselves. With `min_range` only queries whose highest and
    lowest utility lie at least so far apart, in the teacher's unit: where all passages are alike to a teacher, their
    order is noise.
    """

    annotated: bool = False
    queries: Path | str | Sequence[str] | None = None
    min_range: float = 0.0

    def __post_init__(self) -> None:
        if not (isfinite(self.min_range) and self.min_range >= 0):
            raise BadSetting(f"min_range is {self.min_range!r}.", "It is a distance of utilities, 0 or more.")


@dataclass(frozen=True)
class QuerySubset:
    """How many queries were named, by what `source`, and how many of them have no example to learn from."""

    queries: int
    without_examples: int
    source: str
    fingerprint: str

    @property
    def in_words(self) -> str:
        """Return the same in a sentence."""
        words = f"{counted(self.queries, 'query')} chosen by {self.source}"
        return words + (f", of which {self.without_examples:,} had no example" if self.without_examples else "")


@dataclass(frozen=True)
class RangeSubset:
    """How many queries were left out because a teacher's utilities of them span less than `min_range`."""

    min_range: float
    left_out: int

    @property
    def in_words(self) -> str:
        """Return the same in a sentence."""
        return f"{counted(self.left_out, 'query')} left out whose utilities span less than {self.min_range:g}"


def read_query_ids(path: Path) -> dict[str, int]:
    """Return the query ids of a file, one a line, each with its first line; empty lines are skipped.

    Raises BadInput where a line cannot be read or there is no id at all.
    """
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    for number, text in open_text(path, problems):
        if query_id := text.strip():
            lines.setdefault(query_id, number)
    if problems:
        raise BadInput(problems[0].what, path, problems[0].line)
    if not lines:
        raise BadInput("there is no query id in it.", path, hint="Write one query id a line.")
    return lines


def subset_examples(
    store: Store, examples: Examples, queries: Path | str | Sequence[str]
) -> tuple[Examples, QuerySubset]:
    """Return the examples of the named queries: a file's, one id a line, or those of a sequence of ids.

    Raises BadInput, with file, line and id, where a query is not there or not of the train split, NothingToDo where
    none of them has an example.
    """
    if isinstance(queries, str):  # a file's name, never a sequence of letters
        queries = Path(queries)
    lines = read_query_ids(queries) if isinstance(queries, Path) else dict.fromkeys(queries, 0)
    source = queries.name if isinstance(queries, Path) else "the caller"
    _check_splits(store, lines, str(queries) if isinstance(queries, Path) else "queries")
    subset = examples.at([number for number, query in enumerate(examples.queries) if query.query_id in lines])
    if not subset:
        raise NothingToDo(f"None of the {len(lines):,} chosen queries has an example.", "Score them first.")
    digest = sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]
    return subset, QuerySubset(len(lines), len(lines) - len(subset), source, digest)


def wide_examples(examples: Examples, min_range: float) -> tuple[Examples, RangeSubset]:
    """Return the examples whose utilities span at least `min_range`; raises NothingToDo where there is none."""
    spans = [float(utilities.max() - utilities.min()) for utilities in examples.utilities]
    wide = examples.at([number for number, span in enumerate(spans) if span >= min_range])
    if not wide:
        raise NothingToDo(
            f"No query has utilities that span {min_range:g}; the widest span is {max(spans):g}.",
            "Lower the smallest range, or choose another teacher.",
        )
    return wide, RangeSubset(min_range, len(examples) - len(wide))


def _check_splits(store: Store, lines: Mapping[str, int], source: str) -> None:
    """Raise BadInput unless all queries are of the train split."""
    splits = {query.query_id: query.split for query in views.queries(store, known_by_id=True)}
    for query_id, line in lines.items():
        if query_id not in splits:
            raise BadInput(f"there is no query named {query_id!r}.", source, line)
        if (split := splits[query_id]) != "train":
            raise BadInput(
                f"the query {query_id!r} is of the split {split or 'without a name'!r}, not of train.",
                source,
                line,
                "A student learns on train alone, so that dev and test can measure it.",
            )
