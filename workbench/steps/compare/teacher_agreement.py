"""Agreement of a teacher and a student: query by query, before and after, and how much of the teacher was learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from workbench.errors import NothingToDo
from workbench.evaluation import STUDENT_TEMPERATURE, TEACHER_AGREEMENTS, Temperatures, agreements
from workbench.evaluation.comparison import Comparison
from workbench.evaluation.significance import Interval, intervals
from workbench.records import Example, Query
from workbench.steps.compare.calibration import ReliabilityCurve, reliability_of
from workbench.steps.compare.diff import compared_on, stale
from workbench.steps.compare.gap_recovered import GapRecovered, gap_recovered
from workbench.store import Store, views
from workbench.trainer import natural_temperature

# query_id -> [(passage_id, value)], best first
Rankings = Mapping[str, Sequence[tuple[str, float]]]
Values = dict[str, float | None]

COSINE = 1.001  # a similarity beyond it, up to rounding, is no cosine


class QueryAgreement(NamedTuple):
    """One query: over how many passages teacher and student agree how far, by kind; None where it cannot be said.

    `before` is empty where no student was named to compare with.
    """

    query_id: str
    text: str
    passages: int
    after: Values
    before: Values


@dataclass(frozen=True)
class AgreementSettings:
    """What utilities and similarities are divided by before their softmax.

    `teacher_temperature` None: the median spread of the teacher's utilities, as in training, on the train split if it
    was scored, else on the split that is asked about.
    """

    teacher_temperature: float | None = None
    student_temperature: float = STUDENT_TEMPERATURE


@dataclass(frozen=True)
class TeacherAgreement:
    """How far a student agrees with a teacher on the passages that the teacher scored; `before` is "" or a student.

    `rows`: the farthest from the teacher first, by KL. `unsaid` counts the queries of which nothing can be said, by
    reason; `left_out` the scored pairs that one of the runs does not know. `after` are means by kind; `comparisons`
    pair the queries before and after, p-values adjusted for one another. `reliability` is by what was observed.
    `no_cosine` names students whose similarities the temperature was not made for.
    """

    teacher: str
    student: str
    before: str
    split: str
    temperatures: Temperatures
    rows: tuple[QueryAgreement, ...]
    unsaid: dict[str, int]
    left_out: int
    after: dict[str, Interval]
    comparisons: tuple[Comparison, ...]
    reliability: dict[str, ReliabilityCurve]
    reliability_before: dict[str, ReliabilityCurve]
    gap_recovered: tuple[GapRecovered, ...]
    no_cosine: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """Return the finding in sentences."""
        shown = ", ".join(f"{kind} {self.after[kind]}" for kind in ("KL", "Kendall", "top-1"))
        words = f"{self.student} against {self.teacher}, {self.split}: {shown} over {len(self.rows):,} queries."
        if one := self.headline:
            words += f" {self.before} has {one.measure} {one.before}: {one.evidence}: {closeness(one)}{one.few}."
        for gap in self.gap_recovered[:1]:
            words += f" {gap.in_words}"
        return words

    @property
    def headline(self) -> Comparison | None:
        """Return the comparison that says most: KL, or Kendall where a student's similarities are no cosines."""
        wanted = "Kendall" if self.no_cosine else "KL"
        return next((found for found in self.comparisons if found.measure == wanted), None)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return what to know before believing it: what was left out, and what is stale or of another unit."""
        said = []
        if self.unsaid:
            reasons = ", ".join(f"{number:,} with {reason}" for reason, number in self.unsaid.items())
            said.append(f"Nothing can be said of {sum(self.unsaid.values()):,} queries: {reasons}.")
        if self.left_out:
            said.append(f"{self.left_out:,} scored pairs are left out: one of the runs does not know them.")
        for name in self.no_cosine:
            said.append(f"Similarities of {name} are no cosines: its KL, JS and probabilities mean little.")
        for name in self.stale:
            said.append(f"{name} was evaluated when the collection held other passages; evaluate it again.")
        return tuple(said)


def closeness(comparison: Comparison) -> str:
    """Return the verdict on a measure of agreement, in words: less divergence or regret is closer."""
    words = {"better": "closer to the teacher", "worse": "farther from the teacher"}
    return words.get(comparison.verdict, comparison.verdict)


def teacher_agreement(
    store: Store,
    student: str,
    teacher: str = "",
    split: str = "test",
    before: str = "",
    settings: AgreementSettings | None = None,
) -> TeacherAgreement:
    """Say how far a student's run agrees with a teacher, and, with a student `before`, whether it came closer.

    A query's pool are the passages that the teacher scored and every run named here knows, so that all speak of the
    same. Fewer than two, or all of the same utility: nothing can be said, and the query is counted.
    """
    name = views.find_teacher(store, teacher)
    runs = [views.find_run(store, each, split) for each in filter(None, (student, before))]
    scored = views.scored_orders(store, name, split)
    said = [views.scored_similarities(store, name, run) for run in runs]
    pools, unsaid = _pools(scored, said)
    if not pools:
        raise NothingToDo(
            f"{name} and {' and '.join(run.student for run in runs)} share no query of the {split} split of which "
            "something can be said.",
            f"Run `workbench score --split {split}` with that teacher, and evaluate the students there.",
        )
    temperatures = _temperatures(store, name, split, settings or AgreementSettings(), scored)
    utilities = {query_id: _gap_recovered(scored[query_id], ids) for query_id, ids in pools.items()}
    sides = [{query_id: _gap_recovered(side[query_id], ids) for query_id, ids in pools.items()} for side in said]
    values = [{q: agreements(dict(utilities[q]), ranked, temperatures) for q, ranked in of.items()} for of in sides]
    qrels = views.qrels(store, split)
    curves = [reliability_of(utilities, side, temperatures, qrels) for side in sides]
    return TeacherAgreement(
        teacher=name,
        student=runs[0].student,
        before=runs[1].student if runs[1:] else "",
        split=split,
        temperatures=temperatures,
        rows=_rows(store, split, values, pools),
        unsaid=dict(unsaid),
        left_out=sum(len(scored[query_id]) - len(ids) for query_id, ids in pools.items()),
        after=_means(values[0]),
        comparisons=_compared(values[1], values[0]) if runs[1:] else (),
        reliability=curves[0],
        reliability_before=curves[1] if runs[1:] else {},
        gap_recovered=gap_recovered(qrels, sides[1], sides[0], utilities) if runs[1:] else (),
        no_cosine=tuple(run.student for run, side in zip(runs, sides, strict=True) if _beyond(side)),
        stale=stale(store, *runs),
    )


def _pools(scored: Rankings, said: Sequence[Rankings]) -> tuple[dict[str, set[str]], Counter[str]]:
    """Return query_id -> the passages that all know, where something can be said; the other queries by reason."""
    pools: dict[str, set[str]] = {}
    unsaid: Counter[str] = Counter()
    for query_id, ranked in scored.items():
        if any(query_id not in side for side in said):
            unsaid["no ranking"] += 1
            continue
        utilities = dict(ranked)
        pool = utilities.keys() & set.intersection(*({name for name, _ in side[query_id]} for side in said))
        if len(pool) < 2:
            unsaid["fewer than two passages"] += 1
        elif len({utilities[name] for name in pool}) < 2:
            unsaid["equal utilities"] += 1
        else:
            pools[query_id] = pool
    return pools, unsaid


def _gap_recovered(ranked: Sequence[tuple[str, float]], ids: set[str]) -> list[tuple[str, float]]:
    return [(name, value) for name, value in ranked if name in ids]


def _temperatures(
    store: Store, teacher: str, split: str, settings: AgreementSettings, scored: Rankings
) -> Temperatures:
    found = Temperatures(settings.teacher_temperature or 1.0, settings.student_temperature)
    if settings.teacher_temperature is not None:
        return replace(found, teacher=settings.teacher_temperature)
    learnt = views.scored_orders(store, teacher, "train")
    for name, asked in (("train", learnt), (split, scored)):
        examples = [Example(Query(query_id, ""), (), tuple(value for _, value in r)) for query_id, r in asked.items()]
        if any(len(set(example.utilities)) > 1 for example in examples):
            return replace(found, teacher=natural_temperature(examples), source=f"median spread on the {name} split")
    raise AssertionError("a pool was found, so some utilities differ")


def _rows(
    store: Store, split: str, values: Sequence[Mapping[str, Values]], pools: Mapping[str, set[str]]
) -> tuple[QueryAgreement, ...]:
    texts = {query.query_id: query.text for query in views.queries(store, split)}
    rows = [
        QueryAgreement(q, texts[q], len(pool), values[0][q], values[1][q] if values[1:] else {})
        for q, pool in pools.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-(row.after["KL"] or 0.0), row.query_id)))


def _means(values: Mapping[str, Values]) -> dict[str, Interval]:
    by_kind = {kind: [v for of in values.values() if (v := of[kind]) is not None] for kind in TEACHER_AGREEMENTS}
    # Series over the same queries share their resamples, which is what costs.
    whole = [kind for kind, series in by_kind.items() if len(series) == len(values)]
    found = dict(zip(whole, intervals([by_kind[kind] for kind in whole]), strict=True))
    return {kind: found.get(kind) or intervals([series])[0] for kind, series in by_kind.items()}


def _compared(before: Mapping[str, Values], after: Mapping[str, Values]) -> tuple[Comparison, ...]:
    """Compare every kind over the queries for which both sides can be said."""
    sides: tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]] = ({}, {})
    for kind in TEACHER_AGREEMENTS:
        pairs = {q: (before[q][kind], after[q][kind]) for q in after}
        for place, side in enumerate(sides):
            side[kind] = {q: pair[place] or 0.0 for q, pair in pairs.items() if None not in pair}
    lower_is_closer = [name for name, measure in TEACHER_AGREEMENTS.items() if not measure.closer_is_higher]
    return compared_on(tuple(TEACHER_AGREEMENTS), *sides, lower_is_better=lower_is_closer)


def _beyond(side: Rankings) -> bool:
    return any(abs(value) > COSINE for ranked in side.values() for _, value in ranked)
