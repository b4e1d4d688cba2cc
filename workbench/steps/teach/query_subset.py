"""The queries that a student learns from, where a person names them: read, looked up, and kept in the recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from workbench.errors import BadInput, NothingToDo
from workbench.formats.parsing.gathering import Problem
from workbench.formats.parsing.lines import open_text
from workbench.records import Example
from workbench.store import Store, views


@dataclass(frozen=True)
class ExampleFilter:
    """Which of a teacher's examples a student learns from: all of them unless a filter is set.

    With `annotated` only queries that people judged, where their settled verdicts override the teacher; with `queries`
    only those: a file of query ids, one a line, or the ids themselves.
    """

    annotated: bool = False
    queries: Path | str | Sequence[str] | None = None


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
        words = f"{self.queries:,} queries chosen by {self.source}"
        return words + (f", of which {self.without_examples:,} had no example" if self.without_examples else "")


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
    store: Store, examples: Sequence[Example], queries: Path | str | Sequence[str]
) -> tuple[list[Example], QuerySubset]:
    """Return the examples of the named queries: a file's, one id a line, or those of a sequence of ids.

    Raises BadInput, with file, line and id, where a query is not there or not of the train split, NothingToDo where
    none of them has an example.
    """
    if isinstance(queries, str):  # a file's name, never a sequence of letters
        queries = Path(queries)
    lines = read_query_ids(queries) if isinstance(queries, Path) else dict.fromkeys(queries, 0)
    source = queries.name if isinstance(queries, Path) else "the caller"
    _check_splits(store, lines, str(queries) if isinstance(queries, Path) else "queries")
    subset = [example for example in examples if example.query.query_id in lines]
    if not subset:
        raise NothingToDo(f"None of the {len(lines):,} chosen queries has an example.", "Score them first.")
    digest = sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]
    return subset, QuerySubset(len(lines), len(lines) - len(subset), source, digest)


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
