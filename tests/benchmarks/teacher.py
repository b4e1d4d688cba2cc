"""The likelihood teacher against the plain loop: pairs a second, and that both say the same.

    python -m tests.benchmarks.teacher [MODEL_FOLDER [TEMPLATE]]

Without a model one is made, with random weights in a small model's shape: speeds hold, utilities mean nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import workbench as wb
from tests.benchmarks.machine import description
from workbench.formats import read_beir
from workbench.records import Group, Utility
from workbench.teachers.prompts import template

QUERIES, PASSAGES = 16, 4


def main(folder: Path, prompts: str) -> None:
    """Score the same pairs both ways and print the ratio."""
    sample = read_beir(wb.SAMPLE)
    groups = [Group(query, sample.passages[:PASSAGES]) for query in sample.queries[:QUERIES]]
    teacher = wb.teacher("likelihood", model=str(folder), template=prompts, dtype="float32")
    teacher.prepare(())
    list(teacher.utilities([Group(groups[0].query, groups[0].passages[:1])]))  # loads the model
    started = time.perf_counter()
    scored = [row for batch in teacher.utilities(groups) for row in batch]
    ours = time.perf_counter() - started
    likelihoods = {
        (row.query_id, row.passage_id): row.answers[0].with_passage
        for row in scored
        if isinstance(row, Utility) and not row.truncated
    }
    forwards = sum(len(row.answers) for row in scored if isinstance(row, Utility))
    pairs = QUERIES * PASSAGES
    loop, apart = _plain_loop(folder, prompts, groups, likelihoods)
    print(description())
    print(f"ours       {forwards / ours:8.1f} likelihoods/s, all answers, baselines too ({forwards:,} in {ours:.1f} s)")
    print(f"plain loop {pairs / loop:8.1f} likelihoods/s, first answers ({pairs:,} in {loop:.1f} s)")
    print(f"ratio      {forwards / ours / (pairs / loop):8.2f}")
    print(f"furthest apart {apart:.1e} nats on the {len(likelihoods):,} pairs that were not truncated")


def _plain_loop(
    folder: Path, prompts: str, groups: list[Group], known: dict[tuple[str, str], float]
) -> tuple[float, float]:
    """Score each pair's first answer alone, all logits computed; return seconds and the largest difference."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    chosen, apart = template(prompts), 0.0
    started = time.perf_counter()
    with torch.inference_mode():
        for query, passages in groups:
            for passage in passages:
                filled = {"query": query.text, "title": passage.title, "text": passage.text, "content": passage.content}
                prompt = _ids(words, chosen.with_passage.format(**filled), model)
                answer = words.encode(chosen.answer.format(answer=query.answers[0]), add_special_tokens=False)
                whole = torch.tensor([[*prompt, *answer]])
                logits = model(whole).logits.float().log_softmax(-1)[0, len(prompt) - 1 : -1]
                value = logits.gather(1, torch.tensor(answer)[:, None]).sum().item()
                if (pair := (query.query_id, passage.passage_id)) in known:
                    apart = max(apart, abs(value - known[pair]))
    return time.perf_counter() - started, apart


def _ids(words: Any, text: str, model: Any) -> list[int]:
    starts = words.bos_token_id if words("a").input_ids[:1] == [words.bos_token_id] else None
    ids: list[int] = words.encode(text, add_special_tokens=False)
    return [*([] if starts is None else [starts]), *ids][: model.config.max_position_embeddings - 40]


def write_model(folder: Path) -> Path:
    """Write a causal language model with random weights in a small model's shape, and return its folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.teachers.models import tokenizer

    torch.manual_seed(0)
    shape = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 4}
    LlamaForCausalLM(LlamaConfig(**shape, vocab_size=32_000, max_position_embeddings=4096)).save_pretrained(folder)
    tokenizer(model_max_length=4096).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(argument) for argument in sys.argv[1:2]] or [write_model(Path(place))]
        main(folders[0], sys.argv[2] if len(sys.argv) > 2 else "plain")
