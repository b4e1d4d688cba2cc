"""A toy to train on: twelve topics, a static student of about forty words, and a dev evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from workbench.records import Example, Passage, Query
from workbench.trainer import BaseFacts, ResolvedSettings, Trained, TrainingInputs, TrainSettings, resolve, train

TOPICS = 12
# Passage i of topic t is of use to query t; "the" and "of" are in every passage and hide it from an untrained mean.
PASSAGES = tuple(Passage(f"p{i}", "", f"the of the answer{i % TOPICS} filler{i % 5} of the") for i in range(4 * TOPICS))


def example(topic: int, candidates: int = 6) -> Example:
    """Return a query whose candidates from its own topic help, and whose others do not."""
    own = [passage for i, passage in enumerate(PASSAGES) if i % TOPICS == topic]
    rest = [passage for i, passage in enumerate(PASSAGES) if i % TOPICS != topic]
    passages = (own + rest[topic:])[:candidates]
    utilities = [2.0 if passage in own else -0.1 * place for place, passage in enumerate(passages)]
    known = frozenset(passage.passage_id for passage in (*passages, *own))
    return Example(Query(f"q{topic}", f"question{topic} the", (), "train"), tuple(passages), tuple(utilities), known)


EXAMPLES = tuple(example(topic) for topic in range(TOPICS))
ASKED = TrainSettings(
    batch_size=4, candidates=3, negatives=1, steps=30, evaluate_every=10, patience=0, learning_rate=0.05, seed=7
)
QUICK = resolve(ASKED, EXAMPLES, BaseFacts(True))
WORDS = ["the", "of", *(f"{kind}{i}" for kind in ("answer", "question", "filler") for i in range(TOPICS))]


def with_utilities(example: Example, utilities: list[float]) -> Example:
    return example._replace(utilities=tuple(utilities))


def student(dimension: int = 8) -> SentenceTransformer:
    """Return a static student, always the same."""
    words = ["[UNK]", *WORDS]
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    table = torch.randn(len(words), dimension, generator=torch.Generator().manual_seed(1))
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, table)], device="cpu")


def dev_evaluator(model: SentenceTransformer) -> float:
    """Return how often the nearest passage is of the query's topic."""
    queries = model.encode([example.query.text for example in EXAMPLES], normalize_embeddings=True)
    passages = model.encode([passage.content for passage in PASSAGES], normalize_embeddings=True)
    nearest = (queries @ passages.T).argmax(axis=1)
    return float(np.mean(nearest % TOPICS == np.arange(TOPICS)))


def trained(
    folder: Path, settings: ResolvedSettings = QUICK, model: SentenceTransformer | None = None, **more: Any
) -> tuple[SentenceTransformer, Trained]:
    """Train a student and return it with the outcome."""
    model = model or student()
    evaluate = more.pop("dev_evaluator", dev_evaluator)
    inputs = TrainingInputs(model, more.pop("examples", EXAMPLES), PASSAGES, evaluate, settings)
    return model, train(inputs, folder, **more)


def weights(model: SentenceTransformer) -> torch.Tensor:
    return model[0].embedding.weight.detach().clone()
