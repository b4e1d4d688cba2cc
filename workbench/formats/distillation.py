"""Training files of sentence-transformers and FlagEmbedding: a teacher's utilities as rows, and back.

For sentence-transformers the order of the columns is their meaning and every column but the label is read as text;
rows of a list must be equally long. So ids are not written unless asked for, and come last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from workbench.formats.parsing.gathering import Gathering, Problem, Unreadable
from workbench.formats.parsing.lookup import Lookup
from workbench.formats.parsing.values import shown
from workbench.formats.rows import plain_table, read_number
from workbench.records import Passage, Query, Utility

Item = TypeVar("Item")
Row = dict[str, Any]


class TrainingExample(NamedTuple):
    """One query with its passages, most useful first.

    `values` are utilities, `helps` says which of the passages count as positive; all have the same length.
    """

    query: Query
    passages: tuple[Passage, ...]
    values: tuple[float, ...]
    helps: tuple[bool, ...]


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most `most` items, evenly over the sequence, first and last among them; all of them for 0."""
    if not most or most >= len(items):
        return list(items)
    if most == 1:
        return [items[0]]
    return [items[round(turn * (len(items) - 1) / (most - 1))] for turn in range(most)]


def triplets(example: TrainingExample, most: int, margin: float) -> Iterator[Row]:
    """Yield query, positive, negative: each positive with at most `most` negatives that are `margin` lower."""
    scored = list(zip(example.passages, example.values, example.helps, strict=True))
    for positive, high, _ in (row for row in scored if row[2]):
        below = [passage for passage, low, helps in scored if not helps and high - low >= margin]
        for negative in spread(below, most):
            yield {"query": example.query.text, "positive": positive.content, "negative": negative.content}


def pairs(example: TrainingExample, most: int, ids: bool) -> Iterator[Row]:
    """Yield query, passage, score."""
    for passage, value in spread(list(zip(example.passages, example.values, strict=True)), most):
        row: Row = {"query": example.query.text, "passage": passage.content, "score": value}
        yield row | ({"query_id": example.query.query_id, "passage_id": passage.passage_id} if ids else {})


def listwise(example: TrainingExample, most: int, ids: bool) -> Iterator[Row]:
    """Yield one row of query, passage_1 to passage_`most`, scores; nothing where there are fewer passages."""
    if len(example.passages) < most:
        return
    chosen = spread(list(zip(example.passages, example.values, strict=True)), most)
    row: Row = {"query": example.query.text}
    row |= {f"passage_{number}": passage.content for number, (passage, _) in enumerate(chosen, start=1)}
    row["scores"] = [value for _, value in chosen]
    if ids:
        row["query_id"] = example.query.query_id
        row |= {f"passage_{number}_id": passage.passage_id for number, (passage, _) in enumerate(chosen, start=1)}
    yield row


def flagembedding(example: TrainingExample, most: int) -> Iterator[Row]:
    """Yield one row of query, pos, neg and their scores; nothing where there is no positive or no negative.

    Its trainer draws one of each. It passes over the ids that stand beside them.
    """
    scored = list(zip(example.passages, example.values, example.helps, strict=True))
    sides = {
        "pos": [(passage, value) for passage, value, helps in scored if helps],
        "neg": spread([(passage, value) for passage, value, helps in scored if not helps], most),
    }
    if not all(sides.values()):
        return
    row: Row = {"query": example.query.text}
    row |= {side: [passage.content for passage, _ in chosen] for side, chosen in sides.items()}
    row |= {f"{side}_scores": [value for _, value in chosen] for side, chosen in sides.items()}
    row |= {"query_id": example.query.query_id}
    yield row | {f"{side}_id": [passage.passage_id for passage, _ in chosen] for side, chosen in sides.items()}


def read_training(
    paths: Iterable[Path], known: Lookup, teacher: str
) -> tuple[tuple[Utility, ...], tuple[Problem, ...]]:
    """Read files of pairs, lists or FlagEmbedding rows as utilities of `teacher`; which it is, each row shows."""
    gathering = Gathering()
    utilities: dict[tuple[str, str], tuple[Utility, int]] = {}
    for path in paths:
        for line, row in plain_table(path, gathering).rows:
            with gathering.reading(path, line):
                query_id = known.query(row.get("query_id"), row.get("query", row.get("sentence1")))
                for passage_id, text, value in list(_scored(row)):
                    utility = Utility(query_id, known.passage(passage_id, text), teacher, read_number(value, "score"))
                    _keep(utilities, utility, line)
    return tuple(utility for utility, _ in utilities.values()), gathering.collection().problems


def _keep(utilities: dict[tuple[str, str], tuple[Utility, int]], utility: Utility, line: int) -> None:
    before, where = utilities.setdefault((utility.query_id, utility.passage_id), (utility, line))
    if before != utility:
        raise Unreadable(f"the score of {utility.passage_id!r} for {utility.query_id!r} is another on line {where}")


def _scored(row: Row) -> Iterator[tuple[Any, Any, Any]]:
    """Yield (passage id or None, text, score) of a row in any of the three forms."""
    if "pos" in row:
        for side in ("pos", "neg"):
            texts, values = _list(row, side), _list(row, f"{side}_scores")
            names = _list(row, f"{side}_id") if row.get(f"{side}_id") is not None else [None] * len(texts)
            yield from _equally_long(names, texts, values)
    elif "passage_1" in row:
        count = sum(name.startswith("passage_") and name[8:].isdigit() for name in row)
        numbers = range(1, count + 1)
        texts = [row.get(f"passage_{number}") for number in numbers]
        values = _list(row, next((name for name in ("scores", "label", "labels") if name in row), "scores"))
        yield from _equally_long([row.get(f"passage_{number}_id") for number in numbers], texts, values)
    else:
        yield row.get("passage_id"), row.get("passage", row.get("sentence2")), row.get("score", row.get("label"))


def _list(row: Row, name: str) -> list[Any]:
    if not isinstance(value := row.get(name), list):
        raise Unreadable(f"{name} must be a list, not {shown(value)}")
    return value


def _equally_long(names: list[Any], texts: list[Any], values: list[Any]) -> Iterator[tuple[Any, Any, Any]]:
    if not len(names) == len(texts) == len(values):
        raise Unreadable(f"there are {len(texts)} passages, {len(values)} scores and {len(names)} ids")
    return zip(names, texts, values, strict=True)
