"""Models of a few kilobytes, real in every part but their size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

WORDS = [
    "oil",
    "price",
    "embargo",
    "raised",
    "sea",
    "salt",
    "river",
    "rivers",
    "run",
    "to",
    "the",
    "is",
    "of",
    "in",
    "1973",
    "liquid",
    "what",
    "where",
    "do",
]


def tokenizer(words: Sequence[str] = WORDS) -> Tokenizer:
    """Return a tokenizer that knows some words, and cuts texts at 8 tokens."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.enable_truncation(8)
    return made


def static(seed: int = 0, width: int = 8, words: Sequence[str] = WORDS) -> SentenceTransformer:
    """Return a static model with random rows; unknown words have none."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    rows = torch.randn(len(words) + 2, width, generator=torch.Generator().manual_seed(seed))
    rows[:2] = 0
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer(words), rows)], device="cpu")


def bert(folder: Path, seed: int = 0, words: Sequence[str] = WORDS, masked: bool = False) -> Path:
    """Write a plain transformers encoder of one layer, with its tokenizer, and return its folder.

    `masked` gives it the head of a masked language model.
    """
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(words) + 2,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    (BertForMaskedLM if masked else BertModel)(config).save_pretrained(folder)
    fast: Any = PreTrainedTokenizerFast
    fast(tokenizer_object=tokenizer(words), pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    return folder
