"""How the bundled sample was cut: `python -m workbench.sample.cut PATH_TO_SQUAD`."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Container, Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from workbench import files
from workbench.sample import SAMPLE

# Queries a split at least has. Test gets more than its usual share: with fewer than about 500 queries
# the interval of a measure is wider than most improvements.
WANTED = {"train": 1000, "dev": 300, "test": 500}


class Line(NamedTuple):
    """A line of the sample, and the article it belongs to."""

    article: str
    text: str


def main() -> None:
    """Cut the sample from a BEIR folder of SQuAD whose queries name their article and split."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("squad", type=Path, help="folder with corpus.jsonl, queries.jsonl and qrels/")
    parser.add_argument("--to", type=Path, default=SAMPLE, help="where the sample goes")
    chosen = parser.parse_args()
    for name, count in cut(chosen.squad, chosen.to).items():
        sys.stdout.write(f"{name}: {count:,}\n")


def cut(source: Path, target: Path) -> dict[str, int]:
    """Copy whole articles until every split has the queries it needs; return the lines of each file.

    Every query is tagged with the title of its article; all else is copied as it is.
    Articles are taken in the order of a hash of their names: the same every time, and about nothing
    in particular. No article is in two splits, as in the source.
    """
    queries = [json.loads(text) for text in _lines(source / "queries.jsonl")]
    chosen = _articles((query["metadata"]["split"], query["metadata"]["article"]) for query in queries)
    asked = [Line(query["metadata"]["article"], _tagged(query)) for query in queries]
    passages = [Line(_article(json.loads(text)["_id"]), text) for text in _lines(source / "corpus.jsonl")]
    counts = {
        "corpus.jsonl": _copy(passages, chosen, target / "corpus.jsonl"),
        "queries.jsonl": _copy(asked, chosen, target / "queries.jsonl"),
    }
    for split in WANTED:
        header, *judgements = _lines(source / "qrels" / f"{split}.tsv")
        lines = [Line(_article(text.split("\t")[1]), text) for text in judgements]
        counts[f"qrels/{split}.tsv"] = _copy(lines, chosen, target / "qrels" / f"{split}.tsv", header)
    return counts


def _articles(asked: Iterable[tuple[str, str]]) -> set[str]:
    """Return the articles to keep, given the split and the article of every query."""
    sizes = Counter(asked)
    chosen: set[str] = set()
    missing = dict(WANTED)
    for split, article in sorted(sizes, key=lambda pair: blake2b(pair[1].encode(), digest_size=8).digest()):
        if missing[split] > 0:
            chosen.add(article)
            missing[split] -= sizes[split, article]
    return chosen


def _tagged(query: dict[str, Any]) -> str:
    """Return a query's line with the title of its article as its tag."""
    metadata = query["metadata"] | {"tags": [query["metadata"]["article"].replace("_", " ")]}
    return json.dumps(query | {"metadata": metadata}, ensure_ascii=False)


def _article(passage_id: str) -> str:
    """Return the article of a passage; its id is the article's name and a number."""
    return passage_id.rpartition("_")[0]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _copy(lines: Iterable[Line], articles: Container[str], path: Path, header: str = "") -> int:
    copied = [line.text for line in lines if line.article in articles]
    files.write_text(path, "\n".join([*([header] if header else []), *copied, ""]))
    return len(copied)


if __name__ == "__main__":
    main()
