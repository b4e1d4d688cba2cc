"""A data set as the Hugging Face hub has them: one Parquet file a split, and a card that says what is in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.errors import BadInput
from workbench.formats.writing.rows import write_parquet

if TYPE_CHECKING:
    import pyarrow as pa

# Their names of the splits; queries without one form a split of their own.
SPLIT_NAMES = {"train": "train", "dev": "validation", "test": "test", "": "unsplit"}


class Card(NamedTuple):
    """What the card says beside the counts; `licence` is a tag of the hub, such as cc-by-sa-4.0."""

    teacher: str
    licence: str
    note: str


def write_dataset(
    splits: Mapping[str, Iterable[Mapping[str, Any]]], columns: pa.Schema, card: Card, folder: Path
) -> int:
    """Write rows by split, our names, to a folder that `datasets.load_dataset` opens; return how many there are."""
    data, written = folder / "data", dict[str, int]()
    data.mkdir(parents=True)
    for split, rows in splits.items():
        remaining, name = iter(rows), SPLIT_NAMES[split]
        for first in remaining:  # a split without rows has no file
            with (data / f"{name}-00000-of-00001.parquet").open("wb") as file:
                written[name] = write_parquet(chain([first], remaining), columns, file)
    (folder / "README.md").write_text(_card(written, card), encoding="utf-8")
    return sum(written.values())


def dataset_files(folder: Path | str) -> list[Path]:
    """Return the Parquet files of such a folder."""
    paths = sorted((Path(folder) / "data").glob("*.parquet"))
    if not paths:
        raise BadInput(
            "there is no data/*.parquet in it.", folder, hint="Name the folder that holds README.md and data."
        )
    return paths


def _card(written: Mapping[str, int], card: Card) -> str:
    files = "\n".join(f"  - split: {name}\n    path: data/{name}-*.parquet" for name in written)
    counts = "\n".join(f"| {name} | {rows:,} |" for name, rows in written.items())
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
