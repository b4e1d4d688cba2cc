"""Causal language models of a few kilobytes: real in every part but their size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEXTS = [
    "Oil. The embargo of 1973 raised the price of oil.",
    "Question: What raised the price of oil?\nAnswer: the embargo",
    "The sea is salt; rivers run to the sea. Question: Where do rivers run?\nAnswer: the sea",
]


def tokenizer(**settings: Any) -> Any:
    """Return a byte-level tokenizer of some hundred tokens that opens every text with <s>."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=["<s>", "</s>", "[SEP]"], initial_alphabet=alphabet)
    made.train_from_iterator(TEXTS * 5, trainer)
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    settings = {"bos_token": "<s>", "eos_token": "</s>", "sep_token": "[SEP]", "model_max_length": 200} | settings
    return PreTrainedTokenizerFast(tokenizer_object=made, **settings)


def write(folder: Path, kind: str = "llama", seed: int = 0, **words_settings: Any) -> Path:
    """Write a model of two layers with weights large enough to have opinions, and return its folder."""
    import torch
    from transformers import (
        BertConfig,
        BertLMHeadModel,
        BertModel,
        Gemma2Config,
        Gemma2ForCausalLM,
        Gemma3ForCausalLM,
        Gemma3TextConfig,
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
        MistralConfig,
        MistralForCausalLM,
    )

    words = tokenizer(**words_settings)
    shape: dict[str, Any] = {"vocab_size": len(words), "initializer_range": 0.3}
    tall = shape | {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    grouped = tall | {"num_key_value_heads": 1, "max_position_embeddings": 200}
    torch.manual_seed(seed)
    made: Any
    if kind == "llama":
        made = LlamaForCausalLM(LlamaConfig(**grouped))
    elif kind == "llama-tied":
        made = LlamaForCausalLM(LlamaConfig(**grouped, tie_word_embeddings=True))
    elif kind == "mistral":  # rotary positions in a sliding window
        made = MistralForCausalLM(MistralConfig(**grouped, sliding_window=16))
    elif kind == "gemma3":  # one layer in a sliding window, one without
        layers = ["sliding_attention", "full_attention"]
        made = Gemma3ForCausalLM(Gemma3TextConfig(**grouped, head_dim=8, sliding_window=16, layer_types=layers))
    elif kind == "gemma2":  # caps its logits behind the head
        made = Gemma2ForCausalLM(Gemma2Config(**grouped, head_dim=8, final_logit_softcapping=2.0))
    elif kind == "gpt2":  # absolute positions
        made = GPT2LMHeadModel(GPT2Config(**shape, n_embd=16, n_layer=2, n_head=2, n_positions=200))
    elif kind == "bert":  # transforms hidden states before the head
        made = BertLMHeadModel(BertConfig(**tall, max_position_embeddings=200, is_decoder=True))
    elif kind == "two-way":
        made = BertLMHeadModel(BertConfig(**tall, max_position_embeddings=200))
    else:
        made = BertModel(BertConfig(**tall, max_position_embeddings=200))
    made.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder
