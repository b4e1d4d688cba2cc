"""A teacher's utilities with people's verdicts over them: what training files are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import BadSetting, NothingToDo
from workbench.formats.distillation import TrainingExample
from workbench.steps.data.label_overrides import HELPS, OverriddenExample, override_labels
from workbench.store import Store, views
from workbench.store.views.scored.teacher_names import hint_to_fill

# What a verdict does to a teacher's utility, as an export counts it.
EFFECTS = (
    "teacher_overruled",
    "verdicts_agreeing",
    "added_by_verdict",
    "verdicts_undecided",
    "verdicts_on_unscored_queries",
)


@dataclass(frozen=True)
class ExportSettings:
    """What an export takes, and how; each kind reads those it has a use for.

    `teacher` may be the beginning of a name; `split` empty stands for the kind's own. `verdicts` lets annotators
    overrule the teacher. A passage is positive above a utility of `useful`, a negative lies `margin` or more below
    its positive. `passages` is how many of a query's passages go into a row (or how many negatives with a positive),
    0 for all that every query has. `ids` adds columns of ids, `history` every verdict and not only the last.
    `licence` is that of the source data, as its hub or publisher calls it.
    """

    teacher: str = ""
    student: str = ""
    split: str = ""
    verdicts: bool = True
    useful: float = 0.0
    margin: float = 0.0
    passages: int = 0
    ids: bool = False
    history: bool = False
    licence: str = ""


class TrainingRows(NamedTuple):
    """Training examples in the order of their queries, and how many verdicts went into them, by what they did."""

    examples: list[TrainingExample]
    counts: dict[str, int]


def training_examples(store: Store, settings: ExportSettings) -> TrainingRows:
    """Return a split's scored queries as examples, with `override_labels` applied unless verdicts are left out.

    A passage is positive by its verdict, else if its utility is above `useful`.
    """
    examples = views.examples(store, settings.teacher, settings.split)
    for example in examples:
        if not all(map(math.isfinite, example.utilities)):
            raise BadSetting(
                f"A utility of {example.query.query_id!r} is no finite number.",
                "Score the query again before an export.",
            )
    if settings.verdicts:
        overridden = override_labels(store, examples)
        counts = _effects(store, overridden, settings)
    else:
        overridden, counts = [OverriddenExample(example, {}, {}) for example in examples], dict.fromkeys(EFFECTS, 0)
    return TrainingRows([_training_example(one, settings.useful) for one in overridden], counts)


def _training_example(overridden: OverriddenExample, useful: float) -> TrainingExample:
    example, verdicts, _ = overridden
    scored = zip(example.passages, example.utilities, strict=True)
    helps = (
        HELPS[verdicts[passage.passage_id]] if passage.passage_id in verdicts else utility > useful
        for passage, utility in scored
    )
    return TrainingExample(example.query, example.passages, example.utilities, tuple(helps))


def _effects(store: Store, overridden: Sequence[OverriddenExample], settings: ExportSettings) -> dict[str, int]:
    """Return how many pairs with verdicts had which effect."""
    counts = dict.fromkeys(EFFECTS, 0)
    for _, verdicts, utilities in overridden:
        for passage_id, verdict in verdicts.items():
            if passage_id not in utilities:
                counts["added_by_verdict"] += 1
            elif HELPS[verdict] == (utilities[passage_id] > settings.useful):
                counts["verdicts_agreeing"] += 1
            else:
                counts["teacher_overruled"] += 1
    scored = {one.example.query.query_id for one in overridden}
    unscored = {query.query_id for query in views.queries(store, settings.split)} - scored
    held = views.decided(store)
    judged = held.keys() | {(dispute.query_id, dispute.passage_id) for dispute in views.disputes(store)}
    for pair in judged:
        counts["verdicts_undecided"] += pair[0] in scored and held.get(pair) not in HELPS
        counts["verdicts_on_unscored_queries"] += pair[0] in unscored
    return counts


def every_split(store: Store, settings: ExportSettings) -> list[str]:
    """Return the splits that the teacher has scored, or the one that is asked for."""
    if settings.split:
        return [settings.split]
    split_of = {query.query_id: query.split for query in views.queries(store)}
    scored = {split_of[row.query_id] for row in views.utilities(store, settings.teacher)}
    if not scored:
        raise NothingToDo(f"{settings.teacher} has scored nothing.", hint_to_fill(settings.teacher))
    return [counted.split for counted in views.counts(store).splits if counted.split in scored]
