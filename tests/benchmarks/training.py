"""Queries a second in training: ours beside sentence-transformers' own trainer with DistillKLDivLoss, same data.

python -m tests.benchmarks.training WORKSPACE [STUDENT:STEPS:BATCH:K ...]

Both see the same queries with K candidates each, no negatives, in float32, on one machine and in one run, in turn;
timed from the end of a step to the end of another, so that neither's beginning counts.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from workbench import machine

machine.prepare()

from datasets import Dataset  # noqa: E402
from sentence_transformers import SentenceTransformer  # noqa: E402
from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss  # noqa: E402
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer  # noqa: E402
from sentence_transformers.sentence_transformer.training_args import SentenceTransformerTrainingArguments  # noqa: E402
from sentence_transformers.util import pairwise_cos_sim  # noqa: E402
from transformers import TrainerCallback  # noqa: E402

from tests.benchmarks.machine import description  # noqa: E402
from workbench import students, trainer  # noqa: E402
from workbench.records import Example, Progress  # noqa: E402
from workbench.store import Store, views  # noqa: E402

TURNS = 3
USUAL = ("static:all-MiniLM-L6-v2:60:32:8", "all-MiniLM-L6-v2:5:4:8")
TEACHER_TEMPERATURE, STUDENT_TEMPERATURE = 1.0, 0.05


@dataclass
class Clock(TrainerCallback):
    """Notes when each step ended."""

    ends: list[float] = field(default_factory=list)

    def __call__(self, _progress: Progress) -> None:
        self.ends.append(time.perf_counter())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.ends.append(time.perf_counter())

    def rate(self, batch: int) -> float:
        """Return queries a second, without the first step and the last, at which ours judges and saves."""
        timed = self.ends[:-1]
        return batch * (len(timed) - 1) / (timed[-1] - timed[0])


@dataclass(frozen=True)
class Load:
    """What both are given."""

    student: str
    steps: int
    batch: int
    candidates: int

    def model(self, store: Store) -> SentenceTransformer:
        return students.load(students.find(self.student, store.students))


def ours(load: Load, model: SentenceTransformer, examples: list[Example], folder: Path) -> float:
    """Train with the workbench and return queries a second."""
    clock = Clock()
    settings = trainer.TrainSettings(
        loss="kl", batch_size=load.batch, candidates=load.candidates, negatives=0, steps=load.steps,
        evaluate_every=load.steps, patience=0, precision="float32", teacher_temperature=TEACHER_TEMPERATURE,
        student_temperature=STUDENT_TEMPERATURE,
    )  # fmt: skip
    resolved = trainer.resolve(settings, examples, trainer.BaseFacts(load.student.startswith("static:")))
    trainer.train(trainer.TrainingInputs(model, examples, (), lambda _: 0.0, resolved), folder, clock)
    return clock.rate(load.batch)


def plain(load: Load, model: SentenceTransformer, examples: list[Example], folder: Path) -> float:
    """Train with sentence-transformers alone and return queries a second."""
    columns = {f"document_{place + 1}": [example.passages[place].content for example in examples]
               for place in range(load.candidates)}  # fmt: skip
    data = Dataset.from_dict(
        {"query": [example.query.text for example in examples]} | columns
        | {"label": [list(example.utilities) for example in examples]}
    )  # fmt: skip
    clock = Clock()
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder), max_steps=load.steps, per_device_train_batch_size=load.batch, save_strategy="no",
        logging_strategy="no", report_to="none", disable_tqdm=True, use_cpu=model.device.type == "cpu",
        learning_rate=1e-4, dataloader_pin_memory=model.device.type == "cuda",
    )  # fmt: skip
    loss = DistillKLDivLoss(
        model, similarity_fct=pairwise_cos_sim, student_temperature=STUDENT_TEMPERATURE,
        teacher_temperature=TEACHER_TEMPERATURE,
    )  # fmt: skip
    SentenceTransformerTrainer(model=model, args=arguments, train_dataset=data, loss=loss, callbacks=[clock]).train()
    return clock.rate(load.batch)


def cut(examples: Sequence[Example], candidates: int) -> list[Example]:
    """Return the examples with just so many candidates; those with fewer are left out."""
    return [
        example._replace(passages=example.passages[:candidates], utilities=example.utilities[:candidates])
        for example in examples
        if len(example.passages) >= candidates
    ]


def main(workspace: Path, loads: list[Load]) -> None:
    """Print queries a second of both, turn by turn, and the ratio of their medians."""
    print(description())
    store = Store(workspace)
    scored = views.examples(store, views.find_teacher(store, None), "train")
    for load in loads:
        examples = cut(scored, load.candidates)
        print(f"{load}, {len(examples):,} queries")
        rates: dict[str, list[float]] = {"plain": [], "ours": []}
        for turn in range(TURNS):
            for name, run in (("plain", plain), ("ours", ours)):
                with tempfile.TemporaryDirectory() as place:
                    rates[name].append(run(load, load.model(store), examples, Path(place)))
                print(f"  turn {turn + 1}  {name:<6}{rates[name][-1]:10.2f} queries/s", flush=True)
        print(f"  median ours / plain {median(rates['ours']) / median(rates['plain']):.2f}")


if __name__ == "__main__":
    loads = [argument.rsplit(":", 3) for argument in sys.argv[2:] or USUAL]
    main(Path(sys.argv[1]), [Load(name, *map(int, numbers)) for name, *numbers in loads])
