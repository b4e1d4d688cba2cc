"""Which queries a student learns from, where a person names them: read, looked up, and told in the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from workbench.errors import BadInput, NothingToDo
from workbench.formats.parsing.gathering import Problem
from workbench.formats.parsing.lines import open_text
from workbench.records import Example
from workbench.store import Store, views


@dataclass(frozen=True)
class QuerySubset:
    """How many queries were named, by what `source`, and how many of them had nothing to learn from."""

    queries: int
    untaught: int
    source: str
    fingerprint: str

    @property
    def in_words(self) -> str:
        """Return the same in a sentence."""
        words = f"{self.queries:,} queries chosen by {self.source}"
        return words + (f", of which {self.untaught:,} had nothing to learn from" if self.untaught else "")


def read_query_ids(path: Path) -> dict[str, int]:
    """Return the query ids of a file, one a line, each with its first line; spaces around and empty lines are nothing.

    Raises BadInput where a line cannot be read or there is no id at all.
    """
    problems: list[Problem] = []
    found: dict[str, int] = {}
    for line, text in open_text(path, problems):
        if name := text.strip():
            found.setdefault(name, line)
    if problems:
        raise BadInput(problems[0].what, path, problems[0].line)
    if not found:
        raise BadInput("there is no query id in it.", path, hint="Write one query id a line.")
    return found


def subset_examples(
    store: Store, examples: Sequence[Example], named: Path | str | Sequence[str]
) -> tuple[list[Example], QuerySubset]:
    """Return the examples of the named queries: a file's, one id a line, or those of a sequence of ids.

    Raises BadInput, with file, line and id, where a query is not there or not of the train split.
    """
    if isinstance(named, str):  # a file's name, never a sequence of letters
        named = Path(named)
    lines = read_query_ids(named) if isinstance(named, Path) else dict.fromkeys(named, 0)
    source = named.name if isinstance(named, Path) else "the caller"
    splits = {query.query_id: query.split for query in views.queries(store)}
    for query_id, line in lines.items():
        if query_id not in splits:
            raise BadInput(f"there is no query named {query_id!r}.", str(named) if line else "queries", line)
        if (split := splits[query_id]) != "train":
            raise BadInput(
                f"the query {query_id!r} is of the split {split or 'without a name'!r}, not of train.",
                str(named) if line else "queries",
                line,
                "A student learns on train alone, so that dev and test can judge it.",
            )
    kept = [example for example in examples if example.query.query_id in lines]
    if not kept:
        raise NothingToDo(f"None of the {len(lines):,} chosen queries has anything to learn from.", "Score them first.")
    digest = sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]
    return kept, QuerySubset(len(lines), len(lines) - len(kept), source, digest)
