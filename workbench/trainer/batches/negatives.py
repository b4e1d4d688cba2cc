"""Hard negatives: the passages that a student, as it is now, ranks first for a query and that nobody has judged."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from workbench.students import architectures
from workbench.trainer.batches.draw import NO_PASSAGE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from workbench.trainer.batches.draw import Batches

# Queries compared at once: with 100,000 passages a block of similarities takes 100 MB.
BLOCK = 256
TEXTS_AT_ONCE = 64


def mine(model: SentenceTransformer, batches: Batches) -> NDArray[np.int64]:
    """Return the rows of the `hard` nearest unknown passages of each query, nearest first, (queries, hard).

    Exact search over the whole collection. NO_PASSAGE fills the row of a query for which nearly all passages are known.
    """
    model.eval()
    architecture = architectures.of(model)
    architecture.check_size(len(batches.collection))
    bfloat16 = batches.settings.precision == "bfloat16"
    precision = torch.autocast(model.device.type, torch.bfloat16) if bfloat16 else nullcontext()
    with torch.no_grad(), precision:
        queries = architecture.encode(model, "query", batches.queries, TEXTS_AT_ONCE)
        passages = architecture.encode(model, "document", batches.collection, TEXTS_AT_ONCE)
    most = min(batches.settings.hard, len(batches.collection))
    blocks = []
    for begin in range(0, len(batches.queries), BLOCK):
        similarities = architecture.similarities(queries[begin : begin + BLOCK], passages)
        for row, known in zip(similarities, batches.known[begin : begin + BLOCK], strict=True):
            row[[passage for passage in known if passage < len(batches.collection)]] = float("-inf")
        nearest = similarities.topk(most, dim=1)
        blocks.append(nearest.indices.masked_fill(nearest.values == float("-inf"), NO_PASSAGE).cpu())
    return torch.cat(blocks).numpy()
