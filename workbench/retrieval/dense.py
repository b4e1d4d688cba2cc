"""Dense retrieval: a student, the vectors of a collection, and the index that searches them."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.engines import LOCAL, Engine
from workbench.records import IndexKind, Listener, silent
from workbench.retrieval import stored_vectors
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.index.approximate import ApproximateIndex, choose
from workbench.retrieval.index.exact import Index
from workbench.retrieval.index.search_work import SearchWork, search_blocks
from workbench.retrieval.ranking import Collection, Floats, Nearest, Placement


class DenseRetriever:
    """A student and a collection, whose vectors it finds or encodes, or the exact `index` of vectors that are there.

    Its similarities are cosines.
    `kind` says by which index they are searched: an approximate one gives exact similarities too, is kept beside the
    vectors, and has its recall measured on some queries of each search.
    """

    def __init__(
        self,
        encoder: Encoder,
        collection: Collection | Index,
        kind: IndexKind = "auto",
        engine: Engine = LOCAL,
    ) -> None:
        self.encoder = encoder
        self._collection = collection
        self._kind: IndexKind = kind
        self._engine = engine
        self._approximate: dict[str, ApproximateIndex] = {}

    @property
    def name(self) -> str:
        """Return the student's name."""
        return self.encoder.name

    def search(self, queries: Sequence[str], k: int, listen: Listener = silent) -> Nearest:
        """Return the k nearest passages of each query, and the recall of an approximate search."""
        exact = self._indexed(listen)
        vectors = self.encoder.queries(queries, listen)
        index, reason = self._quicker(exact, len(vectors), listen)
        if index is exact and self._engine.uses_files and len(exact.ids) > stored_vectors.ROWS_AT_ONCE:
            return search_blocks(exact, SearchWork(vectors, k), self._engine, self.encoder.cache.parent, listen)
        nearest = index.search(vectors, k)
        if isinstance(index, ApproximateIndex) and len(vectors):
            return nearest._replace(index_kind=index.kind, recall=index.recall(vectors), reason=reason)
        return nearest

    def search_anew(self, queries: Sequence[str], k: int) -> Nearest:
        """Return the same with the queries encoded anew, which is what takes time where nobody has asked before."""
        return self.search_vectors(self.encoder.queries_anew(queries), k)

    def search_vectors(self, queries: Floats, k: int) -> Nearest:
        """Return the k nearest passages of queries' vectors."""
        index, _ = self._quicker(self._indexed(silent), len(queries), silent)
        return index.search(queries, k)

    def place(
        self, queries: Sequence[str], rows: Sequence[Sequence[int]], listen: Listener = silent
    ) -> list[Placement]:
        """Return exact ranks and similarities of given passages for each query, also below any depth."""
        return self._indexed(listen).place(self.encoder.queries(queries, listen), rows)

    def _indexed(self, listen: Listener) -> Index:
        if isinstance(self._collection, Collection):
            texts, ids = self._collection.texts, self._collection.ids
            self._collection = Index(self.encoder.stored_passages(texts, listen), ids)
        return self._collection

    def _quicker(self, exact: Index, queries: int, listen: Listener) -> tuple[Index, str]:
        """Return the index that so many queries are searched by: the exact one, unless another was chosen, and why."""
        kind, reason = choose(self._kind, exact.vectors.shape, queries)
        if kind == "flat":
            return exact, reason
        if kind not in self._approximate:
            self._approximate[kind] = ApproximateIndex(exact, kind, listen)
        return self._approximate[kind], reason
