"""One query as teacher and student see it: both softmaxes, before and after training, and where the loss pulls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from workbench import students
from workbench.errors import NothingToDo
from workbench.evaluation.divergences import kl, probabilities
from workbench.evaluation.rank_correlation import Floats
from workbench.evaluation.teacher_agreement import Temperatures
from workbench.losses import loss
from workbench.records import Run, Unit
from workbench.results import Result, counted
from workbench.steps.compare.agreement.common_pools import AgreementSettings
from workbench.store import Store, views
from workbench.store.views import Placed
from workbench.trainer import TrainSettings, settings_used

MOST_PASSAGES = 10_000  # of a run that are looked through for scored ones
LEAST_PULL = 0.0005  # smaller gradients are not worth a word
# Losses whose gradient for a logit is the student's probability less the teacher's.
OF_PROBABILITIES = ("utility_infonce", "kl", "listnet")


class PassageShares(NamedTuple):
    """A passage's probability in the softmax of teacher, student and student `before`; None where there is none.

    `pull` is the negative gradient of the loss for the passage's logit, its similarity over the temperature: above 0
    the loss pulls the passage up, below 0 it pushes it down.
    """

    passage_id: str
    title: str
    text: str
    relevant: bool
    rank: int
    utility: float
    similarity: float
    teacher: float
    student: float
    before: float | None
    pull: float

    @property
    def direction(self) -> str:
        """Return where the loss moves the passage: "up", "down", or "as it is" by next to nothing."""
        return "as it is" if abs(self.pull) < LEAST_PULL else "up" if self.pull > 0 else "down"


@dataclass(frozen=True)
class QuerySoftmaxes(Result):
    """The softmaxes of one query over the passages that all know, the teacher's first passage first.

    `kl` is the divergence of the student's from the teacher's in nats, `kl_before` that of the student before, None
    without one. `loss` is the loss whose gradient is shown, without random passages of a batch.
    """

    columns: ClassVar = {
        "query_id": "the query",
        "passage_id": "the passage, the most useful first",
        "title": "its title",
        "text": "its text",
        "relevant": "whether it is relevant",
        "rank": "the student's rank of it",
        "utility": "the teacher's utility",
        "similarity": "the student's similarity",
        "teacher": "probability in the teacher's softmax",
        "student": "probability in the student's softmax",
        "before": "probability in the softmax of the student before",
        "pull": "negative gradient of the loss for the passage's logit: above 0 it is pulled up",
    }

    query_id: str
    teacher: str
    unit: Unit
    student: str
    before: str
    loss: str
    temperatures: Temperatures
    kl: float
    kl_before: float | None
    passages: tuple[PassageShares, ...]

    @property
    def in_words(self) -> str:
        """Return how far the student's softmax is from the teacher's, and what the loss would change."""
        before = "" if self.kl_before is None else f", {self.kl_before:.3f} before"
        up, down = (sum(one.direction == word for one in self.passages) for word in ("up", "down"))
        return (
            f"KL {self.kl:.3f} nats{before}; {self.temperatures.in_words}. {self.loss} would pull {up:,} of "
            f"{counted(len(self.passages), 'passage')} up and push {down:,} down."
        )

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each passage, the most useful first."""
        return [(self.query_id, *(getattr(one, name) for name in list(self.columns)[1:])) for one in self.passages]


def query_softmaxes(
    store: Store,
    query_id: str,
    student: str,
    teacher: str = "",
    before: str = "",
    settings: AgreementSettings | None = None,
) -> QuerySoftmaxes:
    """Compare teacher and student on one query: the softmaxes of utilities and similarities, and the loss's pull.

    Temperatures and loss are those that the student was trained with by this teacher; else the usual ones, with the
    median spread of the teacher's utilities.

    Parameters
    ----------
    store : Store
        The workspace.
    query_id : str
        The query.
    student : str
        A student that was evaluated on the query's split.
    teacher : str
        The teacher, by name or its beginning; the only one unless given.
    before : str
        A student to compare with, such as the base; none unless given.
    settings : AgreementSettings, optional
        The temperatures of both softmaxes.

    Returns
    -------
    QuerySoftmaxes
        The probabilities of each passage that all know, and the divergence between the softmaxes.

    Raises
    ------
    UnknownName
        There is no such query or teacher.
    NothingToDo
        A student has no run on the query's split, or the teacher has scored none of the query's passages.

    Examples
    --------
    >>> softmaxes = wb.query_softmaxes(store, "test0", "student", "toy", before=base)
    >>> round(sum(passage.teacher for passage in softmaxes.passages), 6)
    1.0
    >>> softmaxes.passages[0].passage_id, len(softmaxes.passages)
    ('p0-0', 6)
    """
    name = views.find_teacher(store, teacher)
    split = views.query(store, query_id).split
    runs = [views.find_run(store, one, split) for one in filter(None, (student, before))]
    placed, similarities_before = _common(store, query_id, name, runs)
    trained = training_of(store, runs[0].student, name)
    temperatures = _temperatures(store, name, split, trained, settings)
    utilities = [float(one.utility or 0.0) for one in placed]
    similarities = [float(one.similarity or 0.0) for one in placed]
    p = probabilities(utilities, temperatures.teacher)
    q = probabilities(similarities, temperatures.student)
    q_before = probabilities(similarities_before, temperatures.student) if before else None
    pulls = _pulls(str(trained["loss"]), similarities, utilities, temperatures)
    passages = [
        PassageShares(
            one.passage_id, one.title, one.text, one.relevant, one.rank or 0, utilities[place], similarities[place],
            float(p[place]), float(q[place]), None if q_before is None else float(q_before[place]), pulls[place],
        )
        for place, one in enumerate(placed)
    ]  # fmt: skip
    return QuerySoftmaxes(
        query_id=query_id,
        teacher=name,
        unit=views.teacher_unit(store, name),
        student=runs[0].student,
        before=runs[1].student if runs[1:] else "",
        loss=str(trained["loss"]),
        temperatures=temperatures,
        kl=_divergence(utilities, similarities, temperatures),
        kl_before=_divergence(utilities, similarities_before, temperatures) if before else None,
        passages=tuple(sorted(passages, key=lambda one: (-one.utility, -one.student, one.passage_id))),
    )


def training_of(store: Store, student: str, teacher: str) -> Mapping[str, Any]:
    """Return the settings by which a teacher trained a student, else the usual ones, its temperature left open."""
    recipes = (one.recipe for one in students.trained(store.students) if one.name == student)
    recipe = next((recipe for recipe in recipes if recipe.get("teacher") == teacher), None)
    return settings_used(recipe) if recipe else vars(TrainSettings())


def _temperatures(
    store: Store, teacher: str, split: str, trained: Mapping[str, Any], settings: AgreementSettings | None
) -> Temperatures:
    if settings and settings.teacher_temperature is not None:
        return Temperatures(settings.teacher_temperature, settings.student_temperature)
    student = settings.student_temperature if settings else float(trained["student_temperature"])
    if trained["teacher_temperature"] is not None:
        return Temperatures(float(trained["teacher_temperature"]), student, "as in training")
    for name in ("train", split):
        if spread := views.median_spread(store, teacher, name):
            return Temperatures(spread, student, f"median spread on the {name} split")
    return Temperatures(1.0, student, "utilities are equal everywhere")


def _common(store: Store, query_id: str, teacher: str, runs: Sequence[Run]) -> tuple[list[Placed], list[float]]:
    """Return the passages that teacher and runs know, as the first run has them, and their similarities before."""
    of_runs = [views.ranking(store, query_id, run=run, teacher=teacher, depth=MOST_PASSAGES) for run in runs]
    before = {one.passage_id: float(one.similarity or 0.0) for one in of_runs[-1]}
    placed = [one for one in of_runs[0] if one.utility is not None and one.passage_id in before]
    if not placed:
        names = " and ".join(run.student for run in runs)
        raise NothingToDo(
            f"{teacher} has scored no passage of query {query_id} that {names} ranks.",
            "Choose a query that it has scored.",
        )
    return placed, [before[one.passage_id] for one in placed]


def _divergence(utilities: Sequence[float], similarities: Sequence[float], at: Temperatures) -> float:
    sides = [[(str(place), value) for place, value in enumerate(side)] for side in (utilities, similarities)]
    return kl(sides[0], sides[1], at.teacher, at.student) or 0.0


def _pulls(written: str, similarities: Sequence[float], utilities: Sequence[float], at: Temperatures) -> list[float]:
    """Return the negative gradient of a loss for each logit."""
    if written in OF_PROBABILITIES:
        pulls: Floats = probabilities(utilities, at.teacher) - probabilities(similarities, at.student)
        return [float(pull) for pull in pulls]
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of losses that draw
        rows = torch.tensor([similarities], dtype=torch.float32, requires_grad=True)
        value = loss(written)(
            rows, torch.tensor([utilities]), None, teacher_temperature=at.teacher, student_temperature=at.student
        )
        if not value.requires_grad:
            return [0.0] * len(similarities)
        (gradient,) = torch.autograd.grad(value, rows, allow_unused=True)
    return [0.0] * len(similarities) if gradient is None else (-gradient[0] * at.student).tolist()
