"""What people said, as what a student learns from: on the queries they judged, their word goes before the teacher's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from workbench.errors import NothingToDo
from workbench.records import Example, Passage, Verdict
from workbench.store import Store, views

Words = Mapping[str, Verdict]


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


def overridden_examples(store: Store, examples: Sequence[Example]) -> tuple[list[Example], LabelOverrides]:
    """Return the examples of queries on which people settled something, with their verdicts in the teacher's place.

    A useful passage gets the utility of the query's best, a useless or harmful one that of its worst; not below or
    above 0, which is no passage at all. A pair that the teacher has not scored joins its query. Who is unsure changes
    nothing. Raises NothingToDo if nobody has settled anything about these queries.
    """
    said = _said(store, {example.query.query_id for example in examples})
    if not said:
        raise NothingToDo(
            "No scored query of the train split has a verdict that is settled.",
            "Evaluate a student with `--split train`, and judge its hard cases on the Annotate page.",
        )
    wanted = {passage_id for words in said.values() for passage_id in words}
    texts = {passage.passage_id: passage for passage in views.passages(store, wanted)}
    made, label_overrides = [], LabelOverrides(0, 0, 0, sha256(repr(sorted(said.items())).encode()).hexdigest()[:12])
    for example in examples:
        if words := said.get(example.query.query_id):
            held = _values(example)
            values = held | _worth(held, words)
            made.append(_ordered(example, values, texts))
            label_overrides = replace(
                label_overrides,
                verdicts=label_overrides.verdicts + len(words),
                overrode=label_overrides.overrode
                + sum(values[passage_id] != value for passage_id, value in held.items()),
                added=label_overrides.added + len(values) - len(held),
            )
    return made, label_overrides


def _said(store: Store, asked: set[str]) -> dict[str, dict[str, Verdict]]:
    said: defaultdict[str, dict[str, Verdict]] = defaultdict(dict)
    for (query_id, passage_id), verdict in sorted(views.decided(store).items()):
        if query_id in asked and verdict != "unsure":
            said[query_id][passage_id] = verdict
    return dict(said)


def _values(example: Example) -> dict[str, float]:
    return {passage.passage_id: value for passage, value in zip(example.passages, example.utilities, strict=True)}


def _worth(held: Mapping[str, float], words: Words) -> dict[str, float]:
    best, worst = max(0.0, *held.values()), min(0.0, *held.values())
    return {passage_id: best if verdict == "useful" else worst for passage_id, verdict in words.items()}


def _ordered(example: Example, values: Mapping[str, float], texts: Mapping[str, Passage]) -> Example:
    passages = dict(texts) | {passage.passage_id: passage for passage in example.passages}
    ordered = sorted(values, key=lambda passage_id: (-values[passage_id], passage_id))
    return Example(
        example.query,
        tuple(passages[passage_id] for passage_id in ordered),
        tuple(values[passage_id] for passage_id in ordered),
        example.known | values.keys(),
    )
