"""Hard negatives: the passages that a student, as it is now, ranks first for a query and that nobody has judged."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from workbench.students import architectures
from workbench.trainer.batches.draw import NO_PASSAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from workbench.students.architectures import Embeddings, Task
    from workbench.trainer.batches.draw import Batches

# Queries and passages compared at once: a block of similarities takes 100 MB.
BLOCK = 256
PASSAGES_AT_ONCE = 100_000
TEXTS_AT_ONCE = 64


def mine(model: SentenceTransformer, batches: Batches) -> NDArray[np.int64]:
    """Return the rows of the `hard` nearest unknown passages of each query, nearest first, (queries, hard).

    Exact search over the whole collection, which is encoded part by part. NO_PASSAGE fills the row of a query for
    which nearly all passages are known.
    """
    model.eval()
    architecture, size = architectures.of(model), len(batches.collection)
    architecture.check_size(size)
    queries = _encoded(model, "query", batches.queries, batches)
    blocks: list[Nearest] = []
    for first in range(0, size, PASSAGES_AT_ONCE):
        texts = batches.collection[first : first + PASSAGES_AT_ONCE]
        passages, former = _encoded(model, "document", texts, batches), blocks
        blocks = []
        for place, begin in enumerate(range(0, len(batches.queries), BLOCK)):
            similarities = architecture.similarities(queries[begin : begin + BLOCK], passages)
            for number, line in enumerate(similarities, start=begin):
                known = batches.known(number) - first
                line[known[(known >= 0) & (known < len(texts))]] = float("-inf")
            nearest = _nearest(similarities, batches.settings.hard)
            nearest = Nearest(nearest.similarities, nearest.rows + first)
            blocks.append(_merged(former[place], nearest, batches.settings.hard) if first else nearest)
    rows = [block.rows.masked_fill(block.similarities == float("-inf"), NO_PASSAGE).cpu() for block in blocks]
    return torch.cat(rows).numpy()


class Nearest(NamedTuple):
    """The nearest passages of a block of queries, nearest first: similarities and rows, (queries, hard)."""

    similarities: Tensor
    rows: Tensor


def _nearest(similarities: Tensor, most: int) -> Nearest:
    top = similarities.topk(min(most, similarities.shape[1]), dim=1)
    return Nearest(top.values, top.indices)


def _merged(one: Nearest, other: Nearest, most: int) -> Nearest:
    """Return the nearest of two parts of the collection."""
    rows = torch.cat([one.rows, other.rows], dim=1)
    nearest = _nearest(torch.cat([one.similarities, other.similarities], dim=1), most)
    return Nearest(nearest.similarities, rows.gather(1, nearest.rows))


def _encoded(model: SentenceTransformer, task: Task, texts: Sequence[str], batches: Batches) -> Embeddings:
    bfloat16 = batches.settings.precision == "bfloat16"
    precision = torch.autocast(model.device.type, torch.bfloat16) if bfloat16 else nullcontext()
    with torch.no_grad(), precision:
        return architectures.of(model).encode(model, task, texts, TEXTS_AT_ONCE)
