"""The likelihood teacher with and without reuse, a plain loop, and lm_eval on the same model and pairs: pairs a second.

    python -m tests.benchmarks.teacher [MODEL_FOLDER [TEMPLATE [QUERIES [PASSAGES]]]]

Every query is asked about every passage, with all its reference answers: each passage is shared by all QUERIES, 32
unless given, and there are PASSAGES, 8 unless given. "A query at a time" shares no passage: nothing but the prompt of
several answers. Without a model one is made, with random weights in a small model's shape: speeds hold, utilities mean
nothing. `pip install lm_eval` adds its row. Beside other busy processes the ratios of processor seconds tell more than
those of the clock. The last column is what the arithmetic alone would allow: multiplications of weights with tokens and
of the head with positions, of the plain loop to ours; attention and padding are not in it.

With a decoder of 6 layers of 384 dimensions and 30,522 words, and 24 queries that share 8 passages, float32 takes 12.8
times less of the processor than the plain loop (a query at a time 3.4 times): all that the arithmetic allows, 12.2 and
3.0 times, since each question, each answer and the logits of each answer's tokens must be read once a pair. In bfloat16
it is 24 times and 7.6, and lm_eval is as quick as the plain loop (1.07 times).
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import workbench as wb
from tests.benchmarks.machine import description
from workbench.formats import read_beir
from workbench.records import Group, Passage, Query, Utility
from workbench.teachers.likelihood.tokens import start_ids
from workbench.teachers.prompts import Template, template

# Log-likelihoods with the passage, by query, passage and answer.
Likelihoods = dict[tuple[str, str, str], float]


class Measured(NamedTuple):
    """What one way took, on the clock and of the processor, and what it gave."""

    seconds: float
    processor_seconds: float
    likelihoods: Likelihoods
    multiplications: float = 0.0


class Work(NamedTuple):
    """What everyone is asked to do: a model, a prompt, and queries that share passages."""

    folder: Path
    template: Template
    queries: Sequence[Query]
    passages: Sequence[Passage]

    @property
    def texts(self) -> dict[tuple[str, str, str], tuple[str, str]]:
        """Return the prompt with the passage and the answer, as texts, by query, passage and answer."""
        return {
            (query.query_id, passage.passage_id, answer): (
                self.template.with_passage.format(query=query.text, title=passage.title, text=passage.text,
                                                  content=passage.content),
                self.template.answer.format(answer=answer),
            )
            for query, passage in product(self.queries, self.passages) for answer in query.answers
        }  # fmt: skip

    @property
    def texts_without_passage(self) -> list[tuple[str, str]]:
        """Return the prompt without a passage and the answer, as texts, of each query."""
        return [
            (self.template.without_passage.format(query=query.text), self.template.answer.format(answer=answer))
            for query in self.queries
            for answer in query.answers
        ]


def main(folder: Path, prompt: str, queries: int, passages: int) -> None:
    """Score the same pairs in all ways and print their speeds and ratios to the plain loop."""
    sample = read_beir(wb.SAMPLE)
    asked = [query for query in sample.queries if query.answers][:queries]
    work = Work(folder, template(prompt), asked, sample.passages[:passages])
    ways: dict[str, Callable[[Work], Measured]] = {
        "plain loop": _plain_loop,
        "ours, a query at a time": lambda work: _ours(work, shared=False),
        "ours": lambda work: _ours(work, shared=True),
        "ours, auto, a query at a time": lambda work: _ours(work, shared=False, dtype="auto"),
        "ours, auto": lambda work: _ours(work, shared=True, dtype="auto"),
    }
    if find_spec("lm_eval"):
        ways["lm_eval"] = _lm_eval
    print(description())
    pairs = len(work.queries) * len(work.passages)
    print(f"{len(work.queries):,} queries that share {len(work.passages):,} passages: {pairs:,} pairs, "
          f"{len(work.texts):,} likelihoods with a passage; float32 unless `auto` chooses another")  # fmt: skip
    print(f"{'':30} {'pairs/s':>9} {'times':>7} {'pairs/cpu s':>12} {'times':>7} {'nats apart':>11} {'bound':>7}")
    measured: dict[str, Measured] = {}
    for name, way in ways.items():
        seconds, processor_seconds, values, multiplications = measured[name] = way(work)
        plain = measured["plain loop"]
        known = plain.likelihoods
        apart = max((abs(value - known[key]) for key, value in values.items() if key in known), default=0.0)
        bound = f"{plain.multiplications / multiplications:7.2f}" if multiplications else ""
        print(f"{name:30} {pairs / seconds:9.2f} {plain.seconds / seconds:7.2f} {pairs / processor_seconds:12.2f} "
              f"{plain.processor_seconds / processor_seconds:7.2f} {apart:11.1e} {bound}", flush=True)  # fmt: skip
    if theirs := measured.get("lm_eval"):
        ours = measured["ours"]
        print(f"ours against lm_eval {theirs.seconds / ours.seconds:.2f} times, of the processor "
              f"{theirs.processor_seconds / ours.processor_seconds:.2f} times")  # fmt: skip
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f} GB, all in one process")


def _ours(work: Work, shared: bool, dtype: str = "float32") -> Measured:
    """Return what it took, and the log-likelihoods of the pairs whose passages were not truncated."""
    groups = [Group(query, tuple(work.passages)) for query in work.queries]
    teacher: Any = wb.teacher("likelihood", model=str(work.folder), template=work.template, dtype=dtype)
    teacher.prepare(())
    list(teacher.utilities([Group(groups[0].query, groups[0].passages[:1])]))  # loads the model
    model = teacher._open()[0]
    read, counts = (model._forward, model._past), Counter[str]()

    def forward(layout: Any, past: Any) -> list[float]:
        counts.update(tokens=layout.ids.size, positions=len(layout.rows))
        values: list[float] = read[0](layout, past)
        return values

    def past(beginning: Any) -> Any:
        counts.update(tokens=len(beginning))
        return read[1](beginning)

    model._forward, model._past = forward, past
    started, busy = time.perf_counter(), time.process_time()
    windows = [groups] if shared else [[group] for group in groups]
    scored = [row for window in windows for batch in teacher.utilities(window) for row in batch]
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - busy
    likelihoods = {
        (row.query_id, row.passage_id, answer.answer): answer.with_passage
        for row in scored if isinstance(row, Utility) and not row.truncated for answer in row.answers
    }  # fmt: skip
    done = _multiplications(model._model, counts["tokens"], counts["positions"])
    return Measured(seconds, processor_seconds, likelihoods, done)


def _multiplications(model: Any, tokens: int, positions: int) -> float:
    """Return how many multiplications reading some tokens takes, and the logits of some positions."""
    head = model.get_output_embeddings().weight.numel()
    inside = sum(
        part.weight.numel() for part in model.modules()
        if part.__class__.__name__ == "Linear" and part.weight.numel() != head
    )  # fmt: skip
    return float(tokens * inside + positions * head)


def _plain_loop(work: Work) -> Measured:
    """Read each prompt with its answer alone, all logits computed."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(work.folder)
    model: Any = AutoModelForCausalLM.from_pretrained(work.folder, dtype=torch.float32)
    model.eval()
    start = start_ids(words, None).tolist()

    read = 0

    def log_likelihood(prompt: str, answer: str) -> float | None:
        nonlocal read
        ids = words.encode(prompt, add_special_tokens=False)
        beginning = [] if ids[: len(start)] == start else start
        end = words.encode(answer, add_special_tokens=False)
        whole = torch.tensor([[*beginning, *ids, *end]])
        if whole.shape[1] > model.config.max_position_embeddings:
            return None
        read += whole.shape[1]
        logits = model(whole).logits.float().log_softmax(-1)[0, -len(end) - 1 : -1]
        return float(logits.gather(1, torch.tensor(end)[:, None]).sum())

    started, busy = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        values = {key: log_likelihood(*texts) for key, texts in work.texts.items()}
        for texts in work.texts_without_passage:
            log_likelihood(*texts)
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - busy
    known = {key: value for key, value in values.items() if value is not None}
    return Measured(seconds, processor_seconds, known, _multiplications(model, read, read))


def _lm_eval(work: Work) -> Measured:
    """Ask the evaluation harness for the same log-likelihoods, in batches of 16."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(work.folder)
    # Where a tokenizer has no token that opens a text, HFLM needs one named, though no text here is without a prompt.
    first = next(one for one in (words.bos_token_id, words.eos_token_id, words.cls_token_id) if one is not None)
    model = HFLM(
        pretrained=str(work.folder), dtype="float32", batch_size=16, device="cpu", prefix_token_id=first,
        add_bos_token=False,  # some tokenizers would close the text too
    )  # fmt: skip
    opening = str(words.decode(start_ids(words, None).tolist()))
    texts = [*work.texts.values(), *work.texts_without_passage]
    asked = [(prompt if prompt.startswith(opening) else opening + prompt, answer) for prompt, answer in texts]
    requests = [Instance("loglikelihood", {}, texts, at) for at, texts in enumerate(asked)]
    started, busy = time.perf_counter(), time.process_time()
    values = [float(value) for value, _ in model.loglikelihood(requests, disable_tqdm=True)]
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - busy
    return Measured(seconds, processor_seconds, dict(zip(work.texts, values, strict=False)))


def write_model(folder: Path) -> Path:
    """Write a causal language model with random weights in a small model's shape, and return its folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from tests.teachers.models import tokenizer

    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=32_000, hidden_size=256, intermediate_size=512, num_hidden_layers=4, num_attention_heads=4,
        max_position_embeddings=4096,
    )  # fmt: skip
    LlamaForCausalLM(shape).save_pretrained(folder)
    tokenizer(model_max_length=4096).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(argument) for argument in sys.argv[1:2]] or [write_model(Path(place))]
        sizes = [int(argument) for argument in sys.argv[3:5]]
        main(folders[0], sys.argv[2] if len(sys.argv) > 2 else "plain", *(sizes + [32, 8][len(sizes) :]))
