"""Label overrides: people's verdicts in the place of a teacher's utilities, the same for training and for exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from workbench.errors import NothingToDo
from workbench.records import Example, Passage, Verdict
from workbench.store import Store, views

# Which side a verdict takes; who is unsure takes none.
HELPS: dict[Verdict, bool] = {"useful": True, "useless": False, "harmful": False}


class OverriddenExample(NamedTuple):
    """An example whose utilities are those of the verdicts, where there are any.

    `verdicts` are those that hold, by passage; `utilities` the teacher's own, of the passages that it has scored.
    """

    example: Example
    verdicts: Mapping[str, Verdict]
    utilities: Mapping[str, float]


@dataclass(frozen=True)
class LabelOverrides:
    """How many verdicts took a utility's place: `overrode` changed it, `added` are of unscored pairs."""

    verdicts: int
    overrode: int
    added: int
    fingerprint: str

    @property
    def in_words(self) -> str:
        """Return the same in a sentence."""
        return (
            f"{self.verdicts:,} verdicts of annotators override the teacher's labels: {self.overrode:,} changed its "
            f"utility, {self.added:,} are of pairs it had not scored"
        )


def override_labels(
    store: Store, examples: Sequence[Example], settled: Mapping[str, Mapping[str, Verdict]] | None = None
) -> list[OverriddenExample]:
    """Return the examples with people's verdicts in the place of the teacher's utilities.

    An adjudicator's verdict holds, else the majority of those who are sure; an even vote changes nothing. A useful
    passage gets the utility of the query's best, a useless or harmful one that of its worst; not below or above 0. A
    judged passage that the teacher has not scored joins its query. Of equal utilities, passages that people call
    useful come first, those that they call useless or harmful last, then the ids decide. For examples that come in
    parts, `settled_verdicts` are read once and given.
    """
    settled = settled_verdicts(views.decided(store)) if settled is None else settled
    verdicts = [settled.get(example.query.query_id, {}) for example in examples]
    judged = {passage_id for of_query in verdicts for passage_id in of_query}
    passages = {passage.passage_id: passage for passage in views.passages(store, judged)} if judged else {}
    return [_overridden(*one, passages) for one in zip(examples, verdicts, strict=True)]


def overridden_examples(store: Store, examples: Sequence[Example]) -> tuple[list[Example], LabelOverrides]:
    """Return the examples of those queries alone on which verdicts hold, with these, and how many there are.

    Raises NothingToDo if no verdict on these queries holds.
    """
    overridden = [one for one in override_labels(store, examples) if one.verdicts]
    if not overridden:
        raise NothingToDo(
            "No scored query of the train split has a verdict that is settled.",
            "Evaluate a student with `--split train`, and judge its hard cases on the Annotate page.",
        )
    held = {one.example.query.query_id: dict(sorted(one.verdicts.items())) for one in overridden}
    changed = sum(
        one.utilities.get(passage.passage_id, utility) != utility
        for one in overridden
        for passage, utility in zip(one.example.passages, one.example.utilities, strict=True)
    )
    return [one.example for one in overridden], LabelOverrides(
        verdicts=sum(len(one.verdicts) for one in overridden),
        overrode=changed,
        added=sum(len(one.example.passages) - len(one.utilities) for one in overridden),
        fingerprint=sha256(repr(sorted(held.items())).encode()).hexdigest()[:12],
    )


def settled_verdicts(decided: Mapping[tuple[str, str], Verdict]) -> dict[str, dict[str, Verdict]]:
    """Return query_id -> passage_id -> the verdict that holds, where somebody is sure, of all that are decided."""
    verdicts: defaultdict[str, dict[str, Verdict]] = defaultdict(dict)
    for (query_id, passage_id), verdict in decided.items():
        if verdict in HELPS:
            verdicts[query_id][passage_id] = verdict
    return dict(verdicts)


def _overridden(example: Example, verdicts: Mapping[str, Verdict], judged: Mapping[str, Passage]) -> OverriddenExample:
    passages = {passage.passage_id: passage for passage in example.passages}
    teachers = dict(zip(passages, example.utilities, strict=True))
    if not verdicts:
        return OverriddenExample(example, verdicts, teachers)
    extreme = {True: max(0.0, *example.utilities), False: min(0.0, *example.utilities)}
    utilities = teachers | {passage_id: extreme[HELPS[verdict]] for passage_id, verdict in verdicts.items()}
    passages = {passage_id: judged[passage_id] for passage_id in verdicts} | passages

    def place(passage_id: str) -> tuple[float, int, str]:
        among_equal = {None: 1, True: 0, False: 2}[HELPS[verdicts[passage_id]] if passage_id in verdicts else None]
        return -utilities[passage_id], among_equal, passage_id

    order = sorted(utilities, key=place)
    overridden = Example(
        example.query,
        tuple(passages[passage_id] for passage_id in order),
        tuple(utilities[passage_id] for passage_id in order),
        example.known | utilities.keys(),
    )
    return OverriddenExample(overridden, verdicts, teachers)
