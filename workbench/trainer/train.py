"""The verb: train a student in a folder, or go on where that folder stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.columns.examples import Examples
from workbench.errors import BadSetting
from workbench.records import Example, Listener, Passage, silent
from workbench.trainer.resolved import ResolvedSettings
from workbench.trainer.settings import DevMeasure, Trained

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from workbench.trainer.batches.collator import Anchor


@dataclass(frozen=True)
class TrainingInputs:
    """What a student is trained from, and how.

    All weights of `model` that want a gradient are trained. `collection` is where negatives come from.
    `dev_evaluator` returns the dev measure, higher is better, alone or with that on dev's unseen queries. `anchor`
    returns vectors of texts that the student's are pulled towards. `query_vectors` are the base's unit vectors (n, d)
    of the examples' queries, which topics are made of, where there are any.
    """

    model: SentenceTransformer
    examples: Sequence[Example]
    collection: Sequence[Passage]
    dev_evaluator: Callable[[SentenceTransformer], float | DevMeasure]
    settings: ResolvedSettings
    anchor: Anchor | None = None
    query_vectors: NDArray[np.float32] | None = None


def train(
    inputs: TrainingInputs, folder: Path, listen: Listener = silent, stop: Callable[[], bool] = lambda: False
) -> Trained:
    """Train a student; afterwards the model holds the weights of the best evaluation on dev.

    The dev evaluator is called at step 0 too, so that a training which never beats its base gives the base back
    (`best_step` 0). `folder` keeps history.jsonl, the last checkpoint and the best weights: called again after a crash
    with the same inputs, it continues at the last checkpoint and comes, on a CPU, to the same weights as without the
    crash; called again after the end, it returns the same outcome. `stop` is called after each step.
    Raises Conflict if the folder holds another training.

    In processes of torchrun or accelerate each reads its share of the parts of every batch (`accumulate`), with the
    negatives of a part only. The main one evaluates, mines, writes, reports and calls `stop`; all return the same
    outcome and hold the same weights. They see one file system.
    """
    from workbench.trainer.batches import Batches
    from workbench.trainer.batches.topics import clustered
    from workbench.trainer.callback import TrainingRun
    from workbench.trainer.loop import train_in_folder

    clusters = None
    if inputs.settings.topics:
        if inputs.query_vectors is None:
            raise BadSetting("topics is set, but there are no vectors of the queries.", "Pass them, or set 0.")
        clusters = clustered(inputs.query_vectors, inputs.settings.queries_a_topic, inputs.settings.seed)
    examples = Examples.of(inputs.examples, inputs.collection)
    batches = Batches(examples, examples.contents.passages, inputs.settings, clusters)
    run = TrainingRun(inputs.model, batches, inputs.dev_evaluator, inputs.settings, listen, stop, anchor=inputs.anchor)
    return train_in_folder(run, folder, fingerprint(examples))


def fingerprint(examples: Examples) -> str:
    """Return a digest of all that batches are drawn from."""
    digest = blake2b(digest_size=8)
    for row in range(examples.collection):
        digest.update(repr(examples.contents.passages[row]).encode())
    for identity in examples.identities():
        digest.update(identity)
    return digest.hexdigest()
