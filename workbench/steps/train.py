"""Train: teach a student what a teacher finds useful; learn on train, choose on dev, never look at test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import encoder, engine, measures, students, trainer
from workbench.errors import BadSetting, Conflict, NothingToDo
from workbench.records import Example, Listener, Passage, Query, silent
from workbench.steps.card import about
from workbench.steps.chosen import Chosen, chosen_examples
from workbench.steps.recalled import material
from workbench.steps.taught import Heeded, judged_examples
from workbench.store import Store, views
from workbench.students import kinds
from workbench.students.card import origin
from workbench.trainer import Trained, TrainSettings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Named in a teacher's place, a student learns from the qrels alone.
QRELS = "qrels"
# Judged against the whole collection up to this size; beyond it against the dev queries' candidates.
JUDGE_PASSAGES = 5_000


@dataclass(frozen=True)
class TrainResult:
    """A finished training: the student's name, what it was taught by, and how it went on dev."""

    student: str
    base: str
    teacher: str
    loss: str
    path: str
    examples: int
    trained: Trained
    heeded: Heeded | None = None
    chosen: Chosen | None = None

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence or two, a failure as plainly as a success."""
        return self._outcome + "".join(f" {said.in_words}." for said in (self.chosen, self.heeded) if said)

    @property
    def _outcome(self) -> str:
        t = self.trained
        reason = {"budget": "its budget", "patience": "no more gain on dev", "asked": "a request to stop"}[t.stopped]
        went = f"{t.steps:,} steps in {t.seconds:.0f} s, ended by {reason}"
        if not t.improved:
            return (
                f"{self.student}: no judgement on dev beat the base ({t.measure} {t.dev_before:.3f}), so the student "
                f"holds the base's weights. {went}. Try a lower learning rate, a higher teacher temperature, or check "
                "on the Utility page whether the teacher knows better than the base at all."
            )
        return (
            f"{self.student}: {t.measure} on dev {t.dev_before:.3f} to {t.dev_after:.3f} "
            f"({t.dev_after - t.dev_before:+.3f}), best at step {t.best_step:,}. {went}."
        )


@dataclass(frozen=True)
class Plan:
    """All that decides which student comes out; two plans never share a name."""

    base: students.Student
    teacher: str
    settings: TrainSettings
    examples: Sequence[Example]
    name: str
    recipe: dict[str, Any]
    heeded: Heeded | None = None
    chosen: Chosen | None = None


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
    kind, student = kinds.kind(settings.kind), students.find(base, store.students)
    if teacher == QRELS:
        taught_by, examples = QRELS, views.examples_of_qrels(store, "train")
        settings = replace(settings, teacher_temperature=settings.teacher_temperature or _grade(examples))
    else:
        taught_by = views.find_teacher(store, teacher)
        examples = views.examples(store, taught_by, "train")
    heeded = chosen = None
    if queries is not None:
        examples, chosen = chosen_examples(store, examples, queries)
    if annotated:
        examples, heeded = judged_examples(store, examples)
    settings = replace(settings, precision=_precision(student, settings))
    data = sha256()
    for query, passages, utilities, known in examples:
        data.update(repr((query, [passage.passage_id for passage in passages], utilities, sorted(known))).encode())
    recipe = {
        "base": student.name,
        "kind": settings.kind,
        "base_fingerprint": encoder.fingerprint(student.path),
        "teacher": taught_by,
        "loss": settings.loss,
        "settings": asdict(settings),
        "seed": settings.seed,
        "data": {"queries": len(examples), "fingerprint": data.hexdigest()[:12]},
        "collection": views.collection_fingerprint(store),
        **({students.INDEX: encoder.Encoder(student, store.vectors).index_fingerprint} if kind.keeps_index else {}),
        **({"queries": asdict(chosen)} if chosen else {}),
        **({"annotated": asdict(heeded)} if heeded else {}),
    }
    fingerprint = sha256(repr(sorted(recipe.items())).encode()).hexdigest()[:6]
    how = "-".join(_slug(part) for part in (settings.kind, settings.loss) if part != "full")
    called = name or f"{students.slug(student.name)}-{how}-{fingerprint}"
    if name in (students.BM25, student.name):
        raise BadSetting(f"{name!r} is taken: it names another student.", "Give the new student another name.")
    return Plan(student, taught_by, settings, examples, called, recipe, heeded, chosen)


def _slug(part: str) -> str:
    """Return a kind or loss as a part of a name; of a long sum its beginning, as the fingerprint tells all apart."""
    return students.slug(part.replace("_", "-"))[:40].rstrip("-.")


def train(
    store: Store,
    planned: Plan,
    listen: Listener = silent,
    stop: Callable[[], bool] = lambda: False,
) -> TrainResult:
    """Train the planned student and save it as a folder that `SentenceTransformer(path)` opens.

    Killed at any moment, or stopped, the same plan goes on from its last checkpoint; a finished one is not
    done again.
    """
    work = work_folder(store, planned.name)
    place = store.students / students.slug(planned.name)
    held = students.read(place) if (place / students.RECIPE).exists() else None
    if held and not (work.exists() and _can_go_on(held)):
        result = _finished(planned, held)
        shutil.rmtree(work, ignore_errors=True)  # still there if the process died between saving and clearing away
        return result
    judge = _judge(store, planned.settings)
    made = kinds.make(planned.settings.kind, material(store, planned.base, planned.examples, planned.settings, listen))
    natural = kinds.kind(planned.settings.kind).rate(encoder.is_static(planned.base.path))
    rate = planned.settings.learning_rate or natural
    trained = trainer.train(
        made.model,
        planned.examples,
        views.passages(store),
        lambda _: judge(made.judged()),
        replace(planned.settings, learning_rate=rate),
        work,
        listen,
        stop,
        made.anchor,
    )
    outcome = {key: value for key, value in asdict(trained).items() if key != "history"}
    recipe = {**planned.recipe, "outcome": outcome, "origin": origin(planned.base)}
    student = students.Student(planned.name, place, planned.base.name, recipe)
    students.save(made.saved(), student, [work / "history.jsonl"], overwrite=True, about=about(store, student))
    if trained.stopped != "asked":
        shutil.rmtree(work, ignore_errors=True)
    return _result(planned, place, trained)


def _can_go_on(student: students.Student) -> bool:
    outcome: dict[str, Any] = student.recipe.get("outcome", {})
    return outcome.get("stopped") == "asked"


def _finished(planned: Plan, student: students.Student) -> TrainResult:
    """Return what a training that was done before came to, if it was this very one."""
    if any(student.recipe.get(key) != value for key, value in planned.recipe.items()):
        raise Conflict(
            f"There is a student named {planned.name!r} already, made by another recipe.",
            "Give the new one another --name, or none: then its recipe names it.",
        )
    lines = tuple(history_in(student.path))
    return _result(planned, student.path, Trained(**student.recipe["outcome"], history=lines))


def _result(planned: Plan, path: Path, trained: Trained) -> TrainResult:
    return TrainResult(
        student=planned.name,
        base=planned.base.name,
        teacher=planned.teacher,
        loss=planned.settings.loss,
        path=str(path),
        examples=len(planned.examples),
        trained=trained,
        heeded=planned.heeded,
        chosen=planned.chosen,
    )


def work_folder(store: Store, name: str) -> Path:
    """Return where a training in progress keeps its checkpoints and history."""
    return store.students / f".training-{students.slug(name)}"


def history(store: Store, name: str) -> list[dict[str, float]]:
    """Return the history of a student, in training or trained; a line that is still being written is left out."""
    for folder in (work_folder(store, name), store.students / students.slug(name)):
        if found := history_in(folder):
            return found
    return []


def history_in(folder: Path) -> list[dict[str, float]]:
    """Return the whole lines of a folder's history.jsonl, none if there is no such file."""
    try:
        lines = (folder / "history.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _grade(examples: Sequence[Example]) -> float:
    """Return the temperature for relevance: its spread, and one grade where there are relevant passages alone."""
    from workbench.trainer.sampling import spread

    return spread(examples) if any(len(set(example.utilities)) > 1 for example in examples) else 1.0


def _precision(student: students.Student, settings: TrainSettings) -> Any:
    if settings.precision != "auto":
        return settings.precision
    if not kinds.kind(settings.kind).encodes:
        return "float32"
    return "bfloat16" if engine.fast_bfloat16() and not encoder.is_static(student.path) else "float32"


def _judge(store: Store, settings: TrainSettings) -> Callable[[SentenceTransformer], float]:
    """Return the dev measure of a model as a function: exact search, every judged dev query."""
    qrels, queries = views.qrels(store, "dev"), judged_queries(store)
    if not queries:
        raise NothingToDo(
            "No query of the dev split has a relevant passage, so nothing can choose the best step.",
            "Give some queries the split dev, with qrels.",
        )
    passages = judged_passages(store)

    def judge(model: SentenceTransformer) -> float:
        import numpy as np

        asked = _encode(model.encode_query, [query.text for query in queries], settings)
        found = _encode(model.encode_document, [passage.content for passage in passages], settings)
        similarities = asked @ found.T
        depth = min(100, len(passages))
        top = np.argpartition(-similarities, depth - 1, axis=1)[:, :depth]
        rankings = {
            query.query_id: [(passages[row].passage_id, float(similarities[place, row])) for row in top[place]]
            for place, query in enumerate(queries)
        }
        values = measures.per_query([settings.measure], qrels, rankings)[settings.measure]
        return sum(values.values()) / len(values)

    return judge


def judged_queries(store: Store) -> list[Query]:
    """Return the dev queries that a judgement asks: those with a relevant passage."""
    relevant = {qrel.query_id for qrel in views.qrels(store, "dev") if qrel.relevance > 0}
    return [query for query in views.queries(store, "dev") if query.query_id in relevant]


def judged_passages(store: Store) -> list[Passage]:
    """Return the passages that a judgement ranks."""
    passages = views.passages(store)
    if len(passages) <= JUDGE_PASSAGES:
        return passages
    wanted = {passage for ids in views.candidates_of(store, "dev").values() for passage in ids}
    wanted |= {qrel.passage_id for qrel in views.qrels(store, "dev")}
    return [passage for passage in passages if passage.passage_id in wanted]


def _encode(encode: Callable[..., Any], texts: list[str], settings: TrainSettings) -> Any:
    import torch

    faster = settings.precision == "bfloat16"
    with torch.autocast("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16) if faster else nullcontext():
        return encode(texts, batch_size=64, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
