"""Hard negatives: the passages that a student, as it is now, puts nearest to a query and that nobody has looked at."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from workbench.students import architectures
from workbench.trainer.batches import NOBODY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from workbench.trainer.batches import Batches

# Queries compared at once: with 100,000 passages a block of similarities takes 100 MB.
BLOCK = 256
READ_AT_ONCE = 64


def mine(model: SentenceTransformer, batches: Batches, *, bfloat16: bool = False) -> NDArray[np.int64]:
    """Return the rows of the `hard` nearest unknown passages of each query, nearest first, (queries, hard).

    Exact search over the whole collection. NOBODY fills a line whose query knows nearly all passages.
    """
    model.eval()
    architecture = architectures.of(model)
    architecture.check_size(len(batches.collection))
    faster = torch.autocast(model.device.type, torch.bfloat16) if bfloat16 else nullcontext()
    with torch.no_grad(), faster:
        queries = architecture.encode(model, "query", batches.questions, READ_AT_ONCE)
        passages = architecture.encode(model, "document", batches.collection, READ_AT_ONCE)
    most = min(batches.settings.hard, len(batches.collection))
    found = []
    for begin in range(0, len(batches.questions), BLOCK):
        similarities = architecture.similarities(queries[begin : begin + BLOCK], passages)
        for line, known in zip(similarities, batches.known[begin : begin + BLOCK], strict=True):
            line[[row for row in known if row < len(batches.collection)]] = float("-inf")
        nearest = similarities.topk(most, dim=1)
        found.append(nearest.indices.masked_fill(nearest.values == float("-inf"), NOBODY).cpu())
    return torch.cat(found).numpy()
