"""A teacher's utilities with people's verdicts over them: what training files are made of."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from workbench.errors import BadSetting, NothingToDo
from workbench.formats.distillation import TrainingExample
from workbench.records import Example, Passage
from workbench.store import Store, views

HELPS = {"useful": True, "useless": False, "harmful": False}


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


@dataclass(frozen=True)
class OverriddenExamples:
    """Lessons in the order of their queries, and how many verdicts went into them, by what they did."""

    examples: list[TrainingExample]
    counts: dict[str, int] = field(default_factory=dict)


def training_examples(store: Store, settings: ExportSettings) -> OverriddenExamples:
    """Return a split's scored queries as examples, the teacher's numbers moved where people say otherwise.

    An adjudicator's word holds, else the majority of those who are sure; an even vote leaves the teacher's number
    alone. A passage that is useful gets the highest utility of the query, a useless or
    harmful one the lowest, not below or above 0, which is no passage at all. A judged passage that the teacher has
    not scored is added.
    """
    found = views.examples(store, settings.teacher, settings.split)
    votes = _votes(store) if settings.verdicts else {}
    added = _unscored(store, found, votes)
    counts = Counter({"teacher_overruled": 0, "verdicts_agreeing": 0, "added_by_verdict": 0, "verdicts_undecided": 0})
    examples = [
        _training_example(example, votes.get(example.query.query_id, {}), added, settings, counts) for example in found
    ]
    scored = {example.query.query_id for example in found}
    asked = {query.query_id for query in views.queries(store, settings.split)}
    counts["verdicts_on_unscored_queries"] = sum(
        len(pairs) for query_id, pairs in votes.items() if query_id in asked - scored
    )
    return OverriddenExamples(examples, dict(counts))


def _training_example(
    example: Example, votes: dict[str, str], added: dict[str, Passage], settings: ExportSettings, counts: Counter[str]
) -> TrainingExample:
    if not all(map(math.isfinite, example.utilities)):
        raise BadSetting(
            f"A utility of {example.query.query_id!r} is no finite number.", "Score the query again before an export."
        )
    passages = {passage.passage_id: passage for passage in example.passages}
    values = dict(zip(passages, example.utilities, strict=True))
    helps = {name: value > settings.useful for name, value in values.items()}
    worth = {True: max(0.0, *example.utilities), False: min(0.0, *example.utilities)}
    for name, verdict in votes.items():
        if verdict not in HELPS:
            counts["verdicts_undecided"] += 1
            continue
        counts[_effect(helps.get(name), HELPS[verdict])] += 1
        values[name] = worth[HELPS[verdict]]
        helps[name] = HELPS[verdict]
        passages.setdefault(name, added[name] if name in added else passages[name])
    order = sorted(values, key=lambda name: (-values[name], not helps[name], name))
    return TrainingExample(
        example.query,
        tuple(passages[name] for name in order),
        tuple(values[name] for name in order),
        tuple(helps[name] for name in order),
    )


def _effect(teacher: bool | None, person: bool) -> str:
    if teacher is None:
        return "added_by_verdict"
    return "verdicts_agreeing" if teacher == person else "teacher_overruled"


def _votes(store: Store) -> dict[str, dict[str, str]]:
    """Return, by query and passage, the verdict that holds; "" where people disagree and nobody settled it."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for dispute in views.disputes(store):
        found[dispute.query_id][dispute.passage_id] = ""
    for (query_id, passage_id), verdict in views.decided(store).items():
        found[query_id][passage_id] = verdict
    return dict(found)


def _unscored(store: Store, found: list[Example], votes: dict[str, dict[str, str]]) -> dict[str, Passage]:
    """Return the passages that people judged for a query and its teacher did not score."""
    wanted = {
        passage_id
        for example in found
        for passage_id in votes.get(example.query.query_id, {}).keys()
        - {passage.passage_id for passage in example.passages}
    }
    return {passage.passage_id: passage for passage in views.passages(store, wanted)} if wanted else {}


def every_split(store: Store, settings: ExportSettings) -> list[str]:
    """Return the splits that the teacher has scored, or the one that is asked for."""
    if settings.split:
        return [settings.split]
    of = {query.query_id: query.split for query in views.queries(store)}
    scored = {of[said.query_id] for said in views.utilities(store, settings.teacher)}
    if not scored:
        raise NothingToDo(f"{settings.teacher} has scored nothing.", "Run `workbench score` first.")
    return [found.split for found in views.counts(store).splits if found.split in scored]
