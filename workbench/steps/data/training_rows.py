"""A teacher's utilities with people's verdicts over them: what training files are made of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from workbench.errors import BadSetting, NothingToDo
from workbench.formats.distillation import TrainingExample
from workbench.records import Example, Verdict
from workbench.steps.data.label_overrides import HELPS, OverriddenExample, override_labels, settled_verdicts
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


class TrainingPart(NamedTuple):
    """Training examples of some queries, and how many verdicts went into them, by what they did."""

    examples: list[TrainingExample]
    counts: Mapping[str, int]


class _Verdicts(NamedTuple):
    """The verdicts that hold by query and passage, and of each query how many pairs are judged, and are not decided."""

    settled: dict[str, dict[str, Verdict]]
    judged: Counter[str]
    undecided: Counter[str]


def training_parts(store: Store, settings: ExportSettings) -> Iterator[TrainingPart]:
    """Yield a split's scored queries by id as examples, with `override_labels` applied unless verdicts are left out.

    A passage is positive by its verdict, else if its utility is above `useful`. Raises NothingToDo if the teacher has
    scored no query of the split.
    """
    scored = views.scored_counts(store, settings.teacher, settings.split)
    if not scored:
        raise NothingToDo(
            f"{settings.teacher} has scored no query of the {settings.split} split.",
            hint_to_fill(settings.teacher, settings.split),
        )
    verdicts = _verdicts(store) if settings.verdicts else _Verdicts({}, Counter(), Counter())
    asked = views.queries(store, settings.split, ids=verdicts.judged.keys() - scored.keys())
    unscored = sum(verdicts.judged[query.query_id] for query in asked)
    yield TrainingPart([], dict.fromkeys(EFFECTS, 0) | {"verdicts_on_unscored_queries": unscored})
    for examples in views.stream_examples(store, settings.teacher, settings.split):
        yield _part(store, settings, examples, verdicts)


def fewest_passages(store: Store, settings: ExportSettings) -> int:
    """Return how many passages the training example with the fewest has; 0 if there is none."""
    counts = views.scored_counts(store, settings.teacher, settings.split)
    if settings.verdicts:
        settled = settled_verdicts(views.decided(store))
        scored = views.scored_orders(store, settings.teacher, sorted(counts.keys() & settled.keys()))
        for query_id, order in scored.items():
            counts[query_id] = len(settled[query_id].keys() | dict(order).keys())
    return min(counts.values(), default=0)


def _part(store: Store, settings: ExportSettings, examples: Sequence[Example], verdicts: _Verdicts) -> TrainingPart:
    for example in examples:
        if not all(map(math.isfinite, example.utilities)):
            raise BadSetting(
                f"A utility of {example.query.query_id!r} is no finite number.",
                "Score the query again before an export.",
            )
    overridden = override_labels(store, examples, verdicts.settled)
    counts = _effects(overridden, verdicts, settings.useful)
    return TrainingPart([_training_example(one, settings.useful) for one in overridden], counts)


def _training_example(overridden: OverriddenExample, useful: float) -> TrainingExample:
    example, verdicts, _ = overridden
    scored = zip(example.passages, example.utilities, strict=True)
    helps = (
        HELPS[verdicts[passage.passage_id]] if passage.passage_id in verdicts else utility > useful
        for passage, utility in scored
    )
    return TrainingExample(example.query, example.passages, example.utilities, tuple(helps))


def _verdicts(store: Store) -> _Verdicts:
    decided = views.decided(store)
    judged = decided.keys() | {(dispute.query_id, dispute.passage_id) for dispute in views.disputes(store)}
    return _Verdicts(
        settled_verdicts(decided),
        Counter(query_id for query_id, _ in judged),
        Counter(pair[0] for pair in judged if decided.get(pair) not in HELPS),
    )


def _effects(overridden: Sequence[OverriddenExample], verdicts: _Verdicts, useful: float) -> Counter[str]:
    """Return how many pairs with verdicts had which effect."""
    counts: Counter[str] = Counter()
    for example, of_query, utilities in overridden:
        for passage_id, verdict in of_query.items():
            if passage_id not in utilities:
                counts["added_by_verdict"] += 1
            elif HELPS[verdict] == (utilities[passage_id] > useful):
                counts["verdicts_agreeing"] += 1
            else:
                counts["teacher_overruled"] += 1
        counts["verdicts_undecided"] += verdicts.undecided[example.query.query_id]
    return counts


def every_split(store: Store, settings: ExportSettings) -> list[str]:
    """Return the splits that the teacher has scored, or the one that is asked for."""
    if settings.split:
        return [settings.split]
    scored = views.scored_splits(store, settings.teacher)
    if not scored:
        raise NothingToDo(f"{settings.teacher} has scored nothing.", hint_to_fill(settings.teacher))
    return [counted.split for counted in views.counts(store).splits if counted.split in scored]
