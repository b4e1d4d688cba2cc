"""Transformers of two narrow layers that know the toy's words."""

from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tests.trainer.toy import WORDS


@pytest.fixture(scope="session")
def transformer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a BERT of the toy's words."""
    return save_bert(tmp_path_factory.mktemp("bert"), max_position_embeddings=32)


def save_bert(folder: Path, **shape: int) -> Path:
    """Write a BERT of the toy's words, two narrow layers unless another shape is given; return the student's folder."""
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    usual = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words), **(usual | shape))).save_pretrained(folder)
    module = Transformer(str(folder))
    pooling = Pooling(module.get_embedding_dimension(), "mean")
    SentenceTransformer(modules=[module, pooling], device="cpu").save(str(folder / "student"))
    return folder / "student"


@pytest.fixture(scope="session")
def without_dropout(tmp_path_factory: pytest.TempPathFactory, transformer_folder: Path) -> Path:
    """Save the same BERT without dropout."""
    folder = tmp_path_factory.mktemp("without-dropout")
    model = SentenceTransformer(str(transformer_folder), device="cpu")
    config = model[0].auto_model.config
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    model.save(str(folder))
    return folder
