"""Architectures of students: a vector a text, a sparse one, or one a token; how each encodes and compares texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from workbench import memory
from workbench.errors import BadSetting

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import Tensor

Task = Literal["query", "document"]
# Of texts, in the architecture's own shape: a tensor (n, d), a scipy matrix (n, vocabulary) or a list of tensors.
Embeddings = Any

# A passage of 128 tokens, 384 numbers each, takes 0.2 MB: so many of them take 2 GB.
MOST_MULTI_VECTOR = 10_000
# sentence-transformers' contrastive losses multiply cosines by 20, and dot products of sparse vectors by 1.
SPARSE_UNIT = 20.0


class Architecture(NamedTuple):
    """One architecture of student.

    `opens` is the class of sentence-transformers that opens its folder. `encode` returns the embeddings of texts in
    float32; `similarities` those of queries and passages, (Q, N), as in a run. `outputs` takes from a model's output
    what `training_similarities` needs for the same with gradients. `unit` divides similarities in training, so that a
    temperature made for cosines suits them. `most` passages can be compared with a query, None without a limit.
    `takes_task` says whether the model must be told which side it reads.
    """

    name: str
    opens: str
    about: str
    encode: Callable[[SentenceTransformer, Task, Sequence[str], int], Embeddings]
    similarities: Callable[[Embeddings, Embeddings], Tensor]
    outputs: Callable[[Mapping[str, Tensor]], Any]
    training_similarities: Callable[[Any, Any], Tensor]
    unit: float = 1.0
    most: int | None = None
    takes_task: bool = False
    tags: Sequence[str] = ()
    pipeline: str = "feature-extraction"

    def check_size(self, passages: int) -> None:
        """Raise BadSetting unless so many passages can be compared with a query."""
        if self.most is not None and passages > self.most:
            raise BadSetting(
                f"A {self.name} student compares every token of a query with every token of up to {self.most:,} "
                f"passages; these are {passages:,}.",
                "Take a smaller collection, or a dense student.",
            )


def _vector(output: Mapping[str, Tensor]) -> Tensor:
    return output["sentence_embedding"]


def _dense(model: SentenceTransformer, task: Task, texts: Sequence[str], batch_size: int) -> Tensor:
    vectors = _encoder(model, task)(list(texts), batch_size=batch_size, convert_to_tensor=True, show_progress_bar=False)
    return cast("Tensor", vectors.float())


def _cosines(queries: Tensor, passages: Tensor) -> Tensor:
    from torch.nn.functional import normalize

    return normalize(queries.float(), dim=1) @ normalize(passages.float(), dim=1).T


def _sparse(model: SentenceTransformer, task: Task, texts: Sequence[str], batch_size: int) -> Embeddings:
    """Return a scipy CSR matrix (n, vocabulary) in double precision."""
    from scipy.sparse import csr_array

    vectors = _encoder(model, task)(
        list(texts), batch_size=batch_size, convert_to_sparse_tensor=True, save_to_cpu=True, show_progress_bar=False
    ).coalesce()
    rows, columns = vectors.indices().numpy()
    return csr_array((vectors.values().double().numpy(), (rows, columns)), shape=tuple(vectors.shape))


def _products(queries: Embeddings, passages: Embeddings) -> Tensor:
    import torch

    return torch.from_numpy((queries @ passages.T).toarray())


def _dots(queries: Tensor, passages: Tensor) -> Tensor:
    return queries.float() @ passages.float().T


def _tokens(model: SentenceTransformer, task: Task, texts: Sequence[str], batch_size: int) -> Embeddings:
    """Return a tensor (tokens, d) for each text."""
    embeddings = _encoder(model, task)(list(texts), batch_size=batch_size, show_progress_bar=False)
    return [vectors.float() for vectors in embeddings]


def _mean_maxsim(queries: Embeddings, passages: Embeddings) -> Tensor:
    from sentence_transformers.util.similarity import mean_maxsim

    return mean_maxsim(queries, passages)


def _masked(output: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    return output["token_embeddings"].float(), output["attention_mask"].bool()


def _masked_mean_maxsim(queries: tuple[Tensor, Tensor], passages: tuple[Tensor, Tensor]) -> Tensor:
    from sentence_transformers.util.similarity import mean_maxsim

    return mean_maxsim(queries[0], passages[0], a_mask=queries[1], b_mask=passages[1])


DENSE = Architecture(
    "dense", "SentenceTransformer",
    "it maps queries and passages to vectors, compared by their cosine",
    _dense, _cosines, _vector, _cosines,
    tags=("sentence-transformers", "sentence-similarity", "feature-extraction", "dense-retrieval"),
    pipeline="sentence-similarity",
)  # fmt: skip
SPARSE = Architecture(
    "sparse", "SparseEncoder",
    "it maps queries and passages to sparse vectors over a vocabulary, compared by their dot product",
    _sparse, _products, _vector, _dots, unit=SPARSE_UNIT,
    tags=("sentence-transformers", "sparse-encoder", "sparse", "feature-extraction"),
)  # fmt: skip
MULTI_VECTOR = Architecture(
    "multi-vector", "MultiVectorEncoder",
    "it maps queries and passages to a vector for each token, compared by MaxSim: the best cosine of each of a query's "
    "tokens, here as their mean",
    _tokens, _mean_maxsim, _masked, _masked_mean_maxsim, most=MOST_MULTI_VECTOR, takes_task=True,
    tags=("sentence-transformers", "multi-vector", "colbert", "late-interaction", "feature-extraction"),
)  # fmt: skip
ARCHITECTURES = {architecture.name: architecture for architecture in (DENSE, SPARSE, MULTI_VECTOR)}


def of(model: SentenceTransformer) -> Architecture:
    """Return the architecture of a loaded model; raises BadSetting for a similarity that is not its own."""
    architecture = next(
        (architecture for architecture in ARCHITECTURES.values() if architecture.opens == model.model_type), DENSE
    )
    if architecture is SPARSE and model.similarity_fn_name != "dot":
        raise BadSetting(
            f"This sparse student compares by {model.similarity_fn_name}, which is not supported here.",
            "Choose one whose similarity is the dot product.",
        )
    return architecture


def architecture(path: Path) -> Architecture:
    """Return the architecture of a model folder by its files, dense where they name no other."""
    library_config = _read(path / "config_sentence_transformers.json")
    modules = json.dumps(_read(path / "modules.json"))
    kind = library_config.get("model_type") if isinstance(library_config, dict) else None
    config = _read(path / "config.json")
    architectures = config.get("architectures") if isinstance(config, dict) else None
    # The names in ColBERT's own library and PyLate for what sentence-transformers opens as a MultiVectorEncoder.
    if kind == "ColBERT" or "multi_vector_encoder." in modules or "HF_ColBERT" in (architectures or ()):
        return MULTI_VECTOR
    if kind is None and "sparse_encoder." in modules:
        return SPARSE
    return next((architecture for architecture in ARCHITECTURES.values() if architecture.opens == kind), DENSE)


def open_model(path: Path, device: str | None) -> SentenceTransformer:
    """Open a model folder with the class of its architecture.

    The three classes share what is used of them here, BaseModel and encode_query and encode_document, but no type:
    SentenceTransformer stands for all.
    """
    import sentence_transformers

    open_class = getattr(sentence_transformers, architecture(path).opens)
    return cast("SentenceTransformer", open_class(str(path), device=device, local_files_only=True))


def _encoder(model: SentenceTransformer, task: Task) -> Callable[..., Any]:
    """Return a model's way of encoding one side's texts, fewer at once where memory does not suffice."""
    encode = model.encode_query if task == "query" else model.encode_document

    def encode_in_memory(texts: list[str], *, batch_size: int, **more: Any) -> Any:
        return memory.halving(lambda size: encode(texts, batch_size=size, **more), batch_size)

    return encode_in_memory


def _read(file: Path) -> Any:
    """Return the content of a JSON file; nothing for one absent or damaged, which opening the model will report."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
