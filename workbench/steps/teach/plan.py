"""Plan: all that decides which student a training makes, looked up and checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench import machine, students
from workbench.errors import BadSetting
from workbench.records import Example
from workbench.retrieval import encoder
from workbench.steps.data.label_overrides import LabelOverrides, overridden_examples
from workbench.steps.teach.query_subset import QuerySubset, subset_examples
from workbench.store import Store, views
from workbench.students import architectures, methods
from workbench.trainer import TrainSettings, shard

# Named in a teacher's place, a student learns from the qrels alone.
QRELS = "qrels"


@dataclass(frozen=True)
class Plan:
    """All that decides which student comes out; two plans never share a name."""

    base: students.Student
    teacher: str
    settings: TrainSettings
    examples: Sequence[Example]
    name: str
    recipe: dict[str, Any]
    label_overrides: LabelOverrides | None = None
    chosen: QuerySubset | None = None


def plan(  # noqa: PLR0913
    store: Store,
    base: str,
    teacher: str | None,
    settings: TrainSettings,
    name: str = "",
    *,
    annotated: bool = False,
    queries: Path | str | Sequence[str] | None = None,
) -> Plan:
    """Look up everything a training needs and give the student its name; nothing is written.

    The teacher "qrels" stands for human judgements: a passage's relevance is its utility. With `annotated` it learns
    only on queries that people judged, and their settled verdicts override the teacher; with `queries` only on those,
    a file of ids, one a line, or the ids themselves.
    """
    method, student = methods.method(settings.method), students.find(base, store.students)
    methods.check_architecture(settings.method, architectures.architecture(student.path))
    if teacher == QRELS:
        taught_by, examples = QRELS, views.examples_of_qrels(store, "train")
        settings = replace(settings, teacher_temperature=settings.teacher_temperature or _grade(examples))
    else:
        taught_by = views.find_teacher(store, teacher)
        examples = views.examples(store, taught_by, "train")
    label_overrides = chosen = None
    if queries is not None:
        examples, chosen = subset_examples(store, examples, queries)
    if annotated:
        examples, label_overrides = overridden_examples(store, examples)
    settings = replace(shard(settings), precision=_precision(student, settings))
    data = sha256()
    for query, passages, utilities, known in examples:
        data.update(repr((query, [passage.passage_id for passage in passages], utilities, sorted(known))).encode())
    recipe = {
        "base": student.name,
        "method": settings.method,
        "base_fingerprint": encoder.fingerprint(student.path),
        "teacher": taught_by,
        "loss": settings.loss,
        "settings": asdict(settings),
        "seed": settings.seed,
        "data": {"queries": len(examples), "fingerprint": data.hexdigest()[:12]},
        "collection": views.collection_fingerprint(store),
        **(
            {students.INDEX: encoder.Encoder(student, store.vectors).index_fingerprint}
            if method.keeps_passage_vectors
            else {}
        ),
        **({"queries": asdict(chosen)} if chosen else {}),
        **({"label_overrides": asdict(label_overrides)} if label_overrides else {}),
    }
    fingerprint = sha256(repr(sorted(recipe.items())).encode()).hexdigest()[:6]
    how = "-".join(_slug(part) for part in (settings.method, settings.loss) if part != "full")
    called = name or f"{students.slug(student.name)}-{how}-{fingerprint}"
    if name in (students.BM25, student.name):
        raise BadSetting(f"{name!r} is taken: it names another student.", "Give the new student another name.")
    return Plan(student, taught_by, settings, examples, called, recipe, label_overrides, chosen)


def _slug(part: str) -> str:
    """Return a method or loss as a part of a name; of a long sum its beginning, as the fingerprint tells all apart."""
    return students.slug(part.replace("_", "-"))[:40].rstrip("-.")


def _grade(examples: Sequence[Example]) -> float:
    """Return the temperature for relevance: its spread, and one grade where there are relevant passages alone."""
    from workbench.trainer.batches import spread

    return spread(examples) if any(len(set(example.utilities)) > 1 for example in examples) else 1.0


def _precision(student: students.Student, settings: TrainSettings) -> Any:
    if settings.precision != "auto":
        return settings.precision
    if not methods.method(settings.method).encodes:
        return "float32"
    return "bfloat16" if machine.fast_bfloat16() and not encoder.is_static(student.path) else "float32"
