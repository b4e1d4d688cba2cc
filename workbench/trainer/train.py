"""The verb: train a student in a folder, or go on where that folder stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.records import Example, Listener, Passage, silent
from workbench.trainer.distributed import shard
from workbench.trainer.settings import Trained, TrainSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from workbench.trainer.reading import Anchor


def never() -> bool:
    """Ask for no early end."""
    return False


def train(  # noqa: PLR0913
    model: SentenceTransformer,
    examples: Sequence[Example],
    collection: Sequence[Passage],
    dev_evaluator: Callable[[SentenceTransformer], float],
    settings: TrainSettings,
    folder: Path,
    listen: Listener = silent,
    stop: Callable[[], bool] = never,
    anchor: Anchor | None = None,
) -> Trained:
    """Train all weights of a student that want a gradient; afterwards `model` holds the best that were judged.

    `dev_evaluator` returns the dev measure, higher is better; it is asked at step 0 too, so that a training which never
    beats its base gives the base back (`best_step` 0). `folder` keeps history.jsonl, the last checkpoint and the
    best weights: called again after a crash with the same model, data and settings, it continues at the last
    checkpoint and comes, on a CPU, to the same weights as without the crash; called again after the end, it returns
    what it returned. `stop` is asked after each step. `anchor` returns vectors that the student is pulled towards.
    Raises Conflict if the folder holds another training.

    In processes of torchrun or accelerate each reads its share of the parts of every batch (`accumulate`, raised to a
    multiple of their number), with the negatives of a part only. The first of them judges, mines, writes, listens and
    is asked to stop; all return the same result and hold the same weights. They see one file system.
    """
    from workbench.trainer.batches import Batches, spread
    from workbench.trainer.callback import TrainingRun, default_learning_rate
    from workbench.trainer.loop import run

    settings = replace(
        shard(settings),
        teacher_temperature=settings.teacher_temperature or spread(examples),
        learning_rate=settings.learning_rate or default_learning_rate(model),
    )
    work = TrainingRun(model, Batches(examples, collection, settings), dev_evaluator, settings, listen, stop, anchor)
    return run(work, folder, fingerprint(examples, collection))


def fingerprint(examples: Sequence[Example], collection: Sequence[Passage]) -> str:
    """Return a digest of all that batches are drawn from."""
    digest = blake2b(digest_size=8)
    for passage in collection:
        digest.update(repr(passage).encode())
    for query, passages, utilities, known in examples:
        digest.update(repr((query, [passage.passage_id for passage in passages], utilities, sorted(known))).encode())
    return digest.hexdigest()
