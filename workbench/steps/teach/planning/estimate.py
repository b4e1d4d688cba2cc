"""What a training will take: seconds and memory, calculated from what a base costs and from a few batches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench import machine, memory, students
from workbench.columns.examples import Examples
from workbench.progress import duration
from workbench.records import silent
from workbench.steps.teach.base_vectors import query_vectors
from workbench.steps.teach.dev_evaluator import EXHAUSTIVE_PASSAGES
from workbench.store import Store, views
from workbench.students import methods
from workbench.trainer import BaseFacts, ResolvedSettings
from workbench.trainer.timing import Timing

# Interpreter, libraries, queries and passages, before any model: measured on a CPU with 3,000 queries.
LIBRARIES = 0.9 * 2**30
# Of each weight there are, besides itself, a gradient and Adam's two moments.
COPIES = 4
# Queries whose topics are made, and batches that are drawn, to count the passages of a step.
DRAWN_QUERIES = 4_000
DRAWN_BATCHES = 8


@dataclass(frozen=True)
class Estimate:
    """What a training will take on this machine: its peak memory in bytes, and its time."""

    memory: float
    timing: Timing

    def in_words(self, settings: ResolvedSettings) -> str:
        """Return the estimate for a training's settings; the base is evaluated before the first step."""
        timing, every = self.timing, settings.evaluate_every
        whole = timing.evaluation + timing.seconds(settings.steps, every)
        sentence = (
            f"about {memory.in_words(self.memory)} of memory; {timing.in_words}, so {settings.steps:,} steps take "
            f"{duration(whole)}"
        )
        if settings.minutes is None or whole <= 60 * settings.minutes:
            return sentence
        reached = timing.steps(60 * settings.minutes - timing.evaluation, every)
        return f"{sentence}, and {settings.minutes:g} minutes reach step {reached:,}"


def estimate(
    store: Store, base: students.Student, facts: BaseFacts, settings: ResolvedSettings, examples: Examples
) -> Estimate | None:
    """Return what a training will take; None for a student without layers, of which nothing is measured."""
    costs, counted = facts.costs, facts.lengths
    if costs is None or counted is None:
        return None
    from workbench.trainer.reading import MOST_KEPT_ON_CPU, PART_TOKENS, SHARE

    passage_tokens = counted.mean(settings.max_tokens)
    reads_passages = methods.method(settings.method).base_vectors != methods.PASSAGES
    tokens = settings.batch_size * counted.queries
    distinct = len(examples) * counted.queries
    if reads_passages:
        tokens += passage_tokens * _passages_a_step(store, base, settings, examples)
        distinct += passage_tokens * len(examples.texts)
    activations = tokens * costs.activations
    stored_activations = min(activations, SHARE * memory.free(machine.best_device()))
    part = min(tokens, PART_TOKENS["cpu"]) * costs.activations
    if machine.best_device() == "cpu":
        stored_activations = min(stored_activations, MOST_KEPT_ON_CPU)
    read_twice = 1 - stored_activations / max(activations, 1.0)
    stored = _share_stored(costs.stored_bytes, tokens * settings.steps, distinct)
    saved = stored * (costs.seconds - costs.stored_seconds)
    step = tokens * (costs.seconds - saved + read_twice * max(0.0, costs.reading_seconds - saved))
    read = counted.queries * _dev_queries(store) + reads_passages * _dev_passages(store) * counted.mean(None)
    return Estimate(
        memory=LIBRARIES + COPIES * costs.weights + stored_activations + part,
        timing=Timing(step=step, evaluation=read * costs.reading_seconds),
    )


def _passages_a_step(store: Store, base: students.Student, settings: ResolvedSettings, examples: Examples) -> float:
    """Return how many distinct passages a step reads: the mean of a few batches, drawn as they will be.

    Of more than 4,000 queries an even sample is drawn from, whose topics share fewer passages than those of all.
    """
    from workbench.trainer.batches import Batches
    from workbench.trainer.batches.topics import clustered

    sample = examples[:: -(-len(examples) // DRAWN_QUERIES)]
    vectors = query_vectors(store, base, sample, settings, silent)
    clusters = None if vectors is None else clustered(vectors, settings.queries_a_topic, settings.seed)
    size = settings.batch_size // settings.accumulate
    # Those of the collection come beside what is drawn here, and are distinct but for a few.
    scored_only = replace(settings, negatives=0, refresh=0, curriculum=0.0)
    batches = Batches(sample, sample.contents.passages, scored_only, clusters)
    drawn = [len(batches.batch(range(place * size, (place + 1) * size)).passages) for place in range(DRAWN_BATCHES)]
    return settings.accumulate * (float(np.mean(drawn)) + size * settings.negatives)


def _share_stored(stored_bytes: float, read: float, distinct: float) -> float:
    """Return the share of the tokens read whose frozen layers are computed already, as memory has room for them."""
    if not stored_bytes or not read:
        return 0.0
    from workbench.students.methods.frozen import room

    fitting = min(1.0, room(machine.best_device()) / stored_bytes / distinct)
    return fitting * (1 - min(distinct, read) / read)


def _dev_queries(store: Store) -> int:
    return next((split.judged for split in views.counts(store).splits if split.split == "dev"), 0)


def _dev_passages(store: Store) -> int:
    """Return how many passages an evaluation on dev ranks."""
    counts = views.counts(store)
    dev = next((split for split in counts.splits if split.split == "dev"), None)
    if counts.passages <= EXHAUSTIVE_PASSAGES or dev is None:
        return counts.passages
    return min(counts.passages, dev.candidates)
