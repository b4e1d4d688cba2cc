"""A data set as the Hugging Face hub has them: one Parquet file a split, and a card that says what is in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import BadInput
from workbench.formats.cases import CASES

# Their names of the splits; queries without one form a split of their own.
SPLIT_NAMES = {"train": "train", "dev": "validation", "test": "test", "": "unsplit"}


class Card(NamedTuple):
    """What the card says beside the counts; `licence` is a tag of the hub, such as cc-by-sa-4.0."""

    teacher: str
    licence: str
    note: str


def write_dataset(splits: Mapping[str, Sequence[Mapping[str, Any]]], card: Card, folder: Path) -> int:
    """Write rows by split, our names, to a folder that `datasets.load_dataset` opens; return how many there are."""
    data = folder / "data"
    data.mkdir(parents=True)
    named = {SPLIT_NAMES[split]: rows for split, rows in splits.items() if rows}
    for name, rows in named.items():
        (data / f"{name}-00000-of-00001.parquet").write_bytes(CASES["parquet"](rows))
    (folder / "README.md").write_text(_card(named, card), encoding="utf-8")
    return sum(map(len, named.values()))


def dataset_files(folder: Path | str) -> list[Path]:
    """Return the Parquet files of such a folder."""
    paths = sorted((Path(folder) / "data").glob("*.parquet"))
    if not paths:
        raise BadInput(
            "there is no data/*.parquet in it.", folder, hint="Name the folder that holds README.md and data."
        )
    return paths


def _card(splits: Mapping[str, Sequence[Mapping[str, Any]]], card: Card) -> str:
    files = "\n".join(f"  - split: {name}\n    path: data/{name}-*.parquet" for name in splits)
    counts = "\n".join(f"| {name} | {len(rows):,} |" for name, rows in splits.items())
    return f"""---
license: {json.dumps(card.licence)}
task_categories:
- text-retrieval
tags:
- sentence-transformers
- distillation
configs:
- config_name: default
  data_files:
{files}
---

# Passages and how useful they are

Queries, passages and a teacher's utility of each pair, written by the utility workbench.

| split | pairs |
|---|---|
{counts}

- `query`, `passage`, `score`: in the order that sentence-transformers reads pairs with a label. A higher score helps
  more; above 0 is better than no passage.
- `query_id`, `passage_id`: drop them before training.
- Teacher: `{card.teacher.replace("`", "'")}`.

## Licence

{card.note}
"""
