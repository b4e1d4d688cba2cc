"""Training a transformer: queries a second and peak memory, ours beside sentence-transformers' own trainer.

    python -m tests.benchmarks.transformer WORKSPACE [--student NAME] [--batch 32] [--candidates 8] [--steps 4]

Each way is a process of its own, so that its peak memory is its own, and sees the same queries with the same candidates
each. `library` is sentence-transformers' trainer with MultipleNegativesRankingLoss and its usual arguments: the first
candidate is the positive, the others are hard negatives, and those of other queries are negatives too, as in ours.
`whole` is ours with each batch in one piece, the base's own dropout and bfloat16 where the processor has it: what a
training was before it read a batch in parts. `ours` has the usual settings. Rates leave out the first step; those of
the processor's time are what counts where the machine is busy with other things.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench import machine

machine.prepare()

from datasets import Dataset  # noqa: E402
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss  # noqa: E402
from sentence_transformers.sentence_transformer.trainer import SentenceTransformerTrainer  # noqa: E402
from sentence_transformers.sentence_transformer.training_args import SentenceTransformerTrainingArguments  # noqa: E402

from tests.benchmarks.machine import description  # noqa: E402
from tests.benchmarks.training import Clock, cut  # noqa: E402
from workbench import memory, students, trainer  # noqa: E402
from workbench.records import Example, Progress  # noqa: E402
from workbench.store import Store, views  # noqa: E402
from workbench.trainer import reading  # noqa: E402

# What `library` takes for a token, measured with MiniLM: a run that would not fit is left out.
LIBRARY_BYTES = 250_000


@dataclass
class BusyClock(Clock):
    """Notes the processor's time of each step too."""

    busy: list[float] = field(default_factory=list)

    def __call__(self, progress: Progress) -> None:
        super().__call__(progress)
        self.busy.append(time.process_time())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        super().on_step_end()
        self.busy.append(time.process_time())

    def busy_rate(self, batch: int) -> float:
        """Return queries a second of the processor, counted as those of the clock are."""
        timed = self.busy[:-1]
        return batch * (len(timed) - 1) / (timed[-1] - timed[0])


@dataclass(frozen=True)
class Load:
    """What each way is given."""

    workspace: str
    student: str
    batch: int
    candidates: int
    steps: int

    def examples(self) -> list[Example]:
        store = Store(Path(self.workspace))
        return cut(views.examples(store, views.find_teacher(store, None), "train"), self.candidates)[
            : self.batch * self.steps
        ]


def library(load: Load, folder: Path) -> BusyClock:
    """Train with sentence-transformers alone."""
    model = students.load(students.find(load.student, Path(load.workspace) / "students"))
    examples = load.examples()
    columns = {
        f"passage_{place}": [example.passages[place].content for example in examples]
        for place in range(load.candidates)
    }
    data = Dataset.from_dict({"query": [example.query.text for example in examples]} | columns)
    clock = BusyClock()
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder), max_steps=load.steps, per_device_train_batch_size=load.batch, save_strategy="no",
        logging_strategy="no", report_to="none", disable_tqdm=True, use_cpu=model.device.type == "cpu",
        learning_rate=3e-5, dataloader_pin_memory=model.device.type == "cuda",
    )  # fmt: skip
    loss = MultipleNegativesRankingLoss(model)
    SentenceTransformerTrainer(model=model, args=arguments, train_dataset=data, loss=loss, callbacks=[clock]).train()
    return clock


def ours(load: Load, folder: Path) -> BusyClock:
    """Train with the workbench's usual settings."""
    return _ours(load, folder, trainer.TrainSettings())


def whole(load: Load, folder: Path) -> BusyClock:
    """Train with the workbench, each batch in one piece and with dropout."""
    reading.MOST_KEPT_ON_CPU = 2**50
    reading.SHARE = 1e6
    return _ours(load, folder, trainer.TrainSettings(dropout=None, chunk=10**6))


def _ours(load: Load, folder: Path, settings: trainer.TrainSettings) -> BusyClock:
    model, examples, clock = students.load(students.find(load.student, folder)), load.examples(), BusyClock()
    asked = replace(
        settings, batch_size=load.batch, candidates=load.candidates, negatives=0, steps=load.steps, patience=0,
        evaluate_every=load.steps, topics=0,
    )  # fmt: skip
    resolved = trainer.resolve(asked, examples, trainer.BaseFacts(False))
    trainer.train(trainer.TrainingInputs(model, examples, (), lambda _: 0.0, resolved), folder, clock)
    return clock


WAYS = {"library": library, "whole": whole, "ours": ours}


def apart(way: str, load: Load) -> tuple[float, float]:
    """Train one way in a process of its own; return queries a second by the clock and by the processor's time."""
    command = [sys.executable, "-m", "tests.benchmarks.transformer", way, json.dumps(vars(load))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"  {way:<8} ended with code {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
        return 0.0, 0.0
    rate, busy_rate, peak = map(float, done.stdout.splitlines()[-1].split())
    print(f"  {way:<8}{rate:8.2f} queries/s{busy_rate:8.2f} of the processor's{peak:8.2f} GB", flush=True)
    return rate, busy_rate


def run(way: str, load: Load) -> None:
    """Train one way and print queries a second, by both times, and the peak memory in GB, as a child process does."""
    with tempfile.TemporaryDirectory() as place:
        clock = WAYS[way](load, Path(place))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(clock.rate(load.batch), clock.busy_rate(load.batch), peak)


def main(load: Load, ways: list[str]) -> None:
    """Print rate and memory of each way, and how ours compares."""
    print(description())
    print(f"{load}, {memory.in_words(memory.free())} free")
    measured = {}
    for way in ways:
        needed = LIBRARY_BYTES * load.batch * load.candidates * 256
        if way != "ours" and needed > memory.free():
            print(f"  {way:<8}left out: it may take {memory.in_words(needed)}")
            continue
        measured[way] = apart(way, load)
    for way, rates in measured.items():
        if all(rates) and "ours" in measured:
            of_clock, of_processor = (mine / theirs for mine, theirs in zip(measured["ours"], rates, strict=True))
            print(f"  ours / {way:<8}{of_clock:8.2f} by the clock{of_processor:8.2f} by the processor's time")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in WAYS:
        run(sys.argv[1], Load(**json.loads(sys.argv[2])))
    else:
        parser = argparse.ArgumentParser(description=main.__doc__)
        parser.add_argument("workspace")
        parser.add_argument("--student", default="all-MiniLM-L6-v2")
        parser.add_argument("--batch", type=int, default=32)
        parser.add_argument("--candidates", type=int, default=8)
        parser.add_argument("--steps", type=int, default=4)
        parser.add_argument("--ways", nargs="*", default=list(WAYS))
        arguments = vars(parser.parse_args())
        chosen = arguments.pop("ways")
        main(Load(**arguments), chosen)
