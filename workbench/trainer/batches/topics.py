"""Topics: clusters of training queries, and an order in which neighbours are of one (TAS-B, arXiv 2104.06967)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A topic holds so many times the queries that come of it at once: enough to mix them anew each turn.
MIXED = 3
ITERATIONS = 20


def clustered(vectors: NDArray[np.float32], together: int, seed: int) -> NDArray[np.int64]:
    """Return the topic of each query by its unit vector (n, d): spherical k-means, `together` queries come at once."""
    import faiss

    count = max(1, len(vectors) // (MIXED * together))
    if count == 1:
        return np.zeros(len(vectors), np.int64)
    means = faiss.Kmeans(
        vectors.shape[1], count, niter=ITERATIONS, seed=seed, spherical=True,
        min_points_per_centroid=1, max_points_per_centroid=len(vectors),
    )  # fmt: skip
    means.train(np.ascontiguousarray(vectors, np.float32))
    _, nearest = means.index.search(np.ascontiguousarray(vectors, np.float32), 1)
    return np.asarray(nearest[:, 0], np.int64)


def by_topic(clusters: NDArray[np.int64], together: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return all queries in random order, but `together` of a topic in a row; what is left over comes last."""
    order = generator.permutation(len(clusters))
    places = generator.permutation(int(clusters.max()) + 1)[clusters[order]]
    order = order[np.argsort(places, kind="stable")]
    whole = len(order) // together * together
    groups = order[:whole].reshape(-1, together)
    return np.concatenate([generator.permutation(groups).reshape(-1), order[whole:]])
