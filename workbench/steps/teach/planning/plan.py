"""Plan: all that decides which student a training makes, looked up, resolved and checked before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import Any, ClassVar

from workbench import students
from workbench.columns.examples import Examples, utilities_of
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Example
from workbench.results import Result
from workbench.retrieval import encoder
from workbench.retrieval.fingerprint import fingerprint
from workbench.steps.compare.ranking.retriever import find_student
from workbench.steps.compare.run_measures import Judgements
from workbench.steps.data.label_overrides import LabelOverrides, overridden_examples
from workbench.steps.data.next_step import advice, must_have_queries
from workbench.steps.data.splits.leaks import Leaks, known_leaks
from workbench.steps.teach.planning.base_costs import base_facts
from workbench.steps.teach.planning.candidate_fit import QRELS, CandidateFit, candidate_fit
from workbench.steps.teach.planning.estimate import Estimate, estimate
from workbench.steps.teach.planning.query_subset import (
    ExampleFilter,
    QuerySubset,
    RangeSubset,
    subset_examples,
    wide_examples,
)
from workbench.store import Store, settings_of, views
from workbench.students import architectures, methods
from workbench.trainer import BaseFacts, ResolvedSettings, TrainSettings, resolve, settings_used

# The temperature for relevance where there are relevant passages alone, and no spread: one grade.
ONE_GRADE = 1.0
ALL_EXAMPLES = ExampleFilter()
NOT_ESTIMATED = "without layers a step takes a fraction of a second, and no time is estimated"


@dataclass(frozen=True)
class Plan(Result):
    """All that decides which student comes out; two plans never share a name.

    `settings` leave nothing open; the recipe holds what was asked for, and what of it was resolved. `estimate` is what
    the training will take here, where the base has layers to measure.
    `without_text` train queries are left out, as only their ids are known. `leaks` count the queries of dev and test
    that share a passage or a wording with train. `candidate_fit` says whether the base proposed the candidates itself.
    """

    columns: ClassVar = {
        "setting": "name of a setting",
        "value": "its value in the training",
        "resolved": "whether it was left open and resolved",
    }
    base: students.Student
    teacher: str
    settings: ResolvedSettings
    examples: Sequence[Example] = field(repr=False)
    name: str
    recipe: dict[str, Any]
    label_overrides: LabelOverrides | None = None
    query_subset: QuerySubset | None = None
    estimate: Estimate | None = None
    without_text: int = 0
    leaks: Leaks = field(default_factory=Leaks)
    candidate_fit: CandidateFit | None = None
    range_subset: RangeSubset | None = None

    @property
    def in_words(self) -> str:
        """Return the plan in a sentence, what it will take, and what speaks against it."""
        sentence = (
            f"student {self.name}, trained on {labels_in_words(self.teacher)} for {len(self.examples):,} queries, "
            f"from {self.base.name}"
            + (f"; train queries known by id only left out: {self.without_text:,}" if self.without_text else "")
            + (f"; {self.range_subset.in_words}" if self.range_subset else "")
        )
        sentence += f"; {self.estimate.in_words(self.settings) if self.estimate else NOT_ESTIMATED}"
        return " ".join([f"{sentence}.", *self.cautions]) if self.cautions else sentence

    @property
    def cautions(self) -> list[str]:
        """Return what leaks, and what candidates are missing, each in a sentence or two."""
        return [
            *([self.leaks.in_words] if self.leaks.of else []),
            *([self.candidate_fit.in_words] if self.candidate_fit and not self.candidate_fit.fits else []),
        ]

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return the settings."""
        return [(name, value, name in self.recipe["resolved"]) for name, value in asdict(self.settings).items()]


def plan(
    store: Store,
    base: str,
    teacher: str | None,
    settings: TrainSettings,
    name: str = "",
    only: ExampleFilter = ALL_EXAMPLES,
) -> Plan:
    """Look up everything a training needs, resolve its settings and name the student.

    A transformer is measured the first time, in seconds; that is kept among the workspace's vectors.

    Parameters
    ----------
    store : Store
        The workspace.
    base : str
        The student to start from, by name or folder.
    teacher : str, optional
        Whose utilities to train on, by name or its beginning; None where there is one teacher alone. "qrels" stands
        for human judgements: a passage's relevance is its utility.
    settings : TrainSettings
        How to train; what they leave open is resolved.
    name : str
        The new student's name; unless given, it is made from the recipe.
    only : ExampleFilter
        Learn only on the queries with verdicts, which override the teacher, only on named queries, or only where a
        teacher's utilities lie far enough apart.

    Returns
    -------
    Plan
        The base, the examples, the resolved settings, the student's name and its recipe.

    Raises
    ------
    BadInput
        If a query that is named is not there, or not of the train split.
    BadSetting
        If base and settings do not go together, or the name is another student's.
    ModelUnavailable
        If the base cannot be had here.
    NothingToDo
        If there is nothing to learn from: no utilities, no verdicts, none of the queries.

    Examples
    --------
    >>> planned = wb.plan(store, base, "toy", wb.TrainSettings(steps=10))
    >>> planned.teacher, len(planned.examples)
    ('toy', 8)
    >>> planned.settings.learning_rate, planned.settings.precision
    (0.002, 'float32')
    """
    student = find_student(store, base)
    methods.check_architecture(settings.method, architectures.architecture(student.path))
    if name in (students.BM25, student.name):
        raise BadSetting(f"{name!r} is taken: it names another student.", "Give the new student another name.")
    teacher, examples = _examples(store, teacher)
    label_overrides = query_subset = range_subset = None
    if only.queries is not None:
        examples, query_subset = subset_examples(store, examples, only.queries)
    if only.min_range:
        examples, range_subset = wide_examples(examples, only.min_range)
    if only.annotated:
        examples, label_overrides = _overridden(store, examples)
    (measure,) = Judgements.of(store, "dev").names([settings.measure])
    facts = base_facts(store, student, settings, examples)
    resolved = replace(_resolved(settings, facts, teacher, examples), measure=measure)
    recipe = {
        "base": student.name,
        "method": settings.method,
        "base_fingerprint": fingerprint(student.path),
        "teacher": teacher,
        "loss": settings.loss,
        "settings": asdict(settings),
        "resolved": resolved.beyond(settings),
        "seed": settings.seed,
        "data": {"queries": len(examples), "fingerprint": _fingerprint(examples)},
        "collection": views.collection_fingerprint(store),
    }
    # A recipe from before there was a choice does not name it, and means the full stop.
    if (title_join := settings_of(store).title_join) != "sentence":
        recipe["title_join"] = title_join
    if methods.method(settings.method).keeps_passage_vectors:
        recipe[students.INDEX] = encoder.Encoder(student, store.vectors).index_fingerprint
    if query_subset:
        recipe["queries"] = asdict(query_subset)
    if range_subset:
        recipe["range"] = asdict(range_subset)
    if label_overrides:
        recipe["label_overrides"] = asdict(label_overrides)
    name = name or _name(student, recipe)
    expected = estimate(store, student, facts, resolved, examples)
    without_text = views.without_text(store, "train")
    fit = candidate_fit(store, student.name, teacher)
    parts = label_overrides, query_subset, expected, without_text, known_leaks(store), fit, range_subset
    return Plan(student, teacher, resolved, examples, name, recipe, *parts)


def labels_in_words(teacher: str) -> str:
    """Return what a student is trained on: the qrels, or a teacher's utilities."""
    return "the qrels" if teacher == QRELS else f"the utilities of {teacher}"


def decisive(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a recipe decides the student: with the settings as they were used, asked for or resolved."""
    return {key: value for key, value in recipe.items() if key != "resolved"} | {"settings": settings_used(recipe)}


def _examples(store: Store, teacher: str | None) -> tuple[str, Examples]:
    """Return a teacher's full name and its examples of the train split."""
    must_have_queries(store, "train")
    if teacher == QRELS:
        return QRELS, views.examples_of_qrels(store, "train")
    if not teacher and not views.teachers(store):
        raise NothingToDo("No teacher has scored anything yet.", advice(store))
    name = views.find_teacher(store, teacher)
    if name not in views.scored_queries(store, "train"):
        raise NothingToDo(f"{name} has scored no query of the train split.", advice(store))
    return name, views.examples(store, name, "train")


def _overridden(store: Store, examples: Examples) -> tuple[Examples, LabelOverrides]:
    """Return the examples with verdicts, which are few, with these in the place of utilities."""
    judged = {query_id for query_id, _ in views.decided(store)}
    few = examples.at([number for number, query in enumerate(examples.queries) if query.query_id in judged])
    overridden, label_overrides = overridden_examples(store, few)
    return Examples.of(overridden, examples.contents.passages), label_overrides


def _resolved(settings: TrainSettings, base: BaseFacts, teacher: str, examples: Examples) -> ResolvedSettings:
    graded = any(len(set(utilities)) > 1 for utilities in utilities_of(examples))
    if teacher == QRELS and not graded and settings.teacher_temperature is None:
        settings = replace(settings, teacher_temperature=ONE_GRADE)
    return resolve(settings, examples, base)


def _fingerprint(examples: Examples) -> str:
    """Return a digest of the examples' queries, candidates and utilities."""
    digest = sha256()
    for identity in examples.identities():
        digest.update(identity)
    return digest.hexdigest()[:12]


def _name(base: students.Student, recipe: Mapping[str, Any]) -> str:
    """Return the name that a recipe gives its student: base, method, loss, and a fingerprint of all of it."""
    fingerprint = sha256(repr(sorted(decisive(recipe).items())).encode()).hexdigest()[:6]
    how = "-".join(_slug(recipe[key]) for key in ("method", "loss") if recipe[key] != "full")
    # Short enough to name the folder too; of a long path the end, which tells most.
    room = students.LONGEST_SLUG - len(how) - len(fingerprint) - 2
    return f"{students.slug(base.name)[-room:].lstrip('-.')}-{how}-{fingerprint}"


def _slug(part: str) -> str:
    """Return a method or loss as a part of a name; of a long sum its beginning, as the fingerprint tells all apart."""
    return students.slug(part.replace("_", "-"))[:40].rstrip("-.")
