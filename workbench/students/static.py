"""Static students: the mean of a base model's token vectors, without its layers; encoding is a look-up in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import ModelUnavailable
from workbench.students.student import Student, load

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


def build(base: Student) -> SentenceTransformer:
    """Return a model that maps a text to the normalised mean of its tokens' rows in the base's input table.

    It consists of sentence-transformers' own modules, so that SentenceTransformer(path) opens it anywhere.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Normalize
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    model = load(base, device="cpu")
    table = getattr(getattr(model[0], "auto_model", None), "get_input_embeddings", lambda: None)()
    fast = getattr(model.tokenizer, "backend_tokenizer", None)
    if table is None or fast is None:
        raise ModelUnavailable(
            f"{base.name!r} cannot become static: it has no table of token vectors with a fast tokenizer.",
            "Choose a transformers encoder such as all-MiniLM-L6-v2 as base.",
        )
    tokenizer = Tokenizer.from_str(fast.to_str())
    # A base's limit on length has no meaning for a mean of rows; MiniLM's would cut passages at 128 tokens.
    tokenizer.no_truncation()
    rows = table.weight.detach().float().clone()
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, rows), Normalize()], device="cpu")
