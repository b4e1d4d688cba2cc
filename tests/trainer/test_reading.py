"""Reading in parts: none too large for memory, smaller ones where it does not suffice, and what dropout is."""

from __future__ import annotations

import resource
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import psutil
import pytest
import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from tests import children
from tests.trainer.conftest import save_bert
from tests.trainer.test_objective import after_three
from tests.trainer.toy import EXAMPLES, PASSAGES, QUICK
from workbench import memory
from workbench.errors import BadSetting
from workbench.trainer import TrainingInputs, train
from workbench.trainer.reading import Reader, ranges, room, set_dropout


def test_parts_hold_so_many_texts_or_so_many_tokens_with_padding_and_at_least_one_text():
    lengths = [9, 8, 8, 4, 3, 1]
    assert list(ranges(lengths, 2, None)) == [(0, 2), (2, 4), (4, 6)]
    assert list(ranges(lengths, 6, 18)) == [(0, 2), (2, 4), (4, 6)]
    assert list(ranges(lengths, 6, 4)) == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]
    assert list(ranges(lengths, 6, 0)) == [(place, place + 1) for place in range(6)]
    assert list(ranges([], 6, 4)) == []


def test_processes_that_train_together_share_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda device: 2**30)
    model = nn.Linear(1, 1)
    alone = room(model, torch.device("cpu"))
    assert 0 < alone < 2**30
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert room(model, torch.device("cpu")) == alone / 4
    monkeypatch.setattr(memory, "free", lambda device: 0)
    assert room(model, torch.device("cpu")) == 0


def test_dropout_is_that_of_every_layer_or_each_keeps_its_own(transformer_folder):
    model = SentenceTransformer(str(transformer_folder), device="cpu")
    shares = lambda: {module.p for module in model.modules() if isinstance(module, nn.Dropout)}  # noqa: E731
    set_dropout(model, None)
    assert shares() == {0.1}
    set_dropout(model, 0.0)
    assert shares() == {0.0}
    model.train()
    features = model.preprocess(["the answer1"])
    assert torch.equal(*(model(dict(features))["sentence_embedding"] for _ in range(2)))


def test_a_batch_that_does_not_fit_is_halved_and_gives_the_same_weights(tmp_path, without_dropout, monkeypatch):
    whole, _ = after_three(tmp_path / "whole", without_dropout)
    monkeypatch.setattr(Reader, "read", _failing(Reader.read, lambda reader: reader.chunk > 2))
    notes = []
    parts, outcome = after_three(
        tmp_path / "parts", without_dropout, listen=lambda at: notes.append(at.note), chunk=9, accumulate=2, loss="kl"
    )
    whole, _ = after_three(tmp_path / "other", without_dropout, accumulate=2, chunk=2, loss="kl")
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=0, atol=1e-6)
    assert "memory did not suffice: read in parts of 2 texts" in notes[-1]
    assert outcome.history[-1]["halvings"] == 2


def test_what_does_not_fit_text_by_text_says_what_to_do(tmp_path, without_dropout, monkeypatch):
    monkeypatch.setattr(Reader, "read", _failing(Reader.read, lambda reader: True))
    with pytest.raises(BadSetting, match="Memory does not suffice"):
        after_three(tmp_path, without_dropout)


def _failing(read, when):
    """Return a way of reading that runs out of memory, as torch says it on a CPU."""

    def fail(reader, sides):
        if when(reader):
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you t")
        return read(reader, sides)

    return fail


def train_with_little_memory(folder: Path, base: Path, chunk: int | None, megabytes: int) -> None:
    """Train on long passages in an address space that has only so much left; no halving helps out."""
    torch.set_num_threads(1)
    model = SentenceTransformer(str(base), device="cpu")
    texts = {passage: passage._replace(text=" ".join([passage.content] * 40)) for passage in PASSAGES}
    examples = [example._replace(passages=tuple(map(texts.get, example.passages))) for example in EXAMPLES]
    rising = count()
    left = psutil.Process().memory_info().vms + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (left, left))
    Reader.halve = lambda _: False
    short = {"batch_size": 12, "candidates": 6, "negatives": 0, "steps": 1, "evaluate_every": 1, "max_tokens": 320}
    settings = replace(QUICK, chunk=chunk, **short)
    train(TrainingInputs(model, examples, (), lambda _: next(rising), settings), folder)


@pytest.mark.slow
@pytest.mark.process
def test_parts_are_chosen_so_that_they_fit_into_what_is_left_of_memory(tmp_path):
    # Activations take far more than weights.
    wide = save_bert(tmp_path / "wide", hidden_size=64, intermediate_size=1024, num_hidden_layers=3)
    whole = children.call(train_with_little_memory, tmp_path / "whole", wide, 10_000, 400)
    parts = children.call(train_with_little_memory, tmp_path / "parts", wide, None, 400)
    assert parts.wait() == 0, parts.stderr
    assert whole.wait() != 0
    assert "Memory does not suffice" in whole.stderr


def train_on_ever_new_lengths(folder: Path, base: Path) -> None:
    """Train on passages of many lengths; print the megabytes that the process holds before and between steps."""
    torch.set_num_threads(1)
    model = SentenceTransformer(str(base), device="cpu")
    texts = {
        passage: passage._replace(text=" ".join([passage.content] * (3 + 7 * place % 40)))
        for place, passage in enumerate(PASSAGES)
    }
    examples = [example._replace(passages=tuple(map(texts.get, example.passages))) for example in EXAMPLES]
    rising = count()
    short = {"batch_size": 6, "candidates": 4, "negatives": 2, "steps": 12, "evaluate_every": 20, "max_tokens": 320}
    megabytes = lambda: psutil.Process().memory_info().rss / 2**20  # noqa: E731
    print(megabytes())
    inputs = TrainingInputs(model, examples, tuple(texts.values()), lambda _: next(rising), replace(QUICK, **short))
    train(inputs, folder, listen=lambda _: print(megabytes()))


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other heaps")
def test_between_steps_a_training_holds_no_memory_that_it_does_not_use(tmp_path):
    wide = save_bert(tmp_path / "wide", hidden_size=64, intermediate_size=1024, num_hidden_layers=3)
    training = children.call(train_on_ever_new_lengths, tmp_path / "training", wide)
    assert training.wait() == 0, training.stderr
    before, *between = map(float, training.stdout.split())
    assert max(between) - before < 100, f"{between} after {before}"
