"""The teachers by name: an open family of what gives utilities of passages for queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from workbench.family import Setting, make, settings_of
from workbench.records import Group, Passage, Scored, Unit

if TYPE_CHECKING:
    from workbench.teachers.endpoint.budget import Usage


class Teacher(Protocol):
    """Anything that gives utilities of passages for queries."""

    @property
    def name(self) -> str:
        """Return the whole recipe as one word; known once the teacher is prepared."""
        ...

    @property
    def unit(self) -> Unit:
        """Return what its utilities are measured in."""
        ...

    def prepare(self, collection: Iterable[Passage]) -> None:
        """Get ready: read of `collection` what the recipe needs, which may be nothing."""
        ...

    def utilities(self, groups: Sequence[Group]) -> Iterator[list[Scored]]:
        """Yield finished batches, in any order; every pair of `groups` comes exactly once."""
        ...


@runtime_checkable
class RemoteTeacher(Protocol):
    """What a teacher has besides that can ask a server, where answers cost: what it yields is kept at once."""

    @property
    def spent(self) -> Usage | None:
        """Return what it has asked for since it was made; None if it asks no server."""
        ...

    def estimate(self, groups: Sequence[Group]) -> Usage | None:
        """Return what scoring some pairs takes, once prepared, without asking; None if it asks no server."""
        ...


class TeacherKind(NamedTuple):
    """One kind of teacher: what its utilities are, in one line, and where it is implemented.

    `implementation` and `settings` are "module:class", imported when they are used. The first is made of an instance of
    the second, a dataclass whose fields have an "about" in their metadata. One that `needs_answers` can score no query
    without a reference answer.
    """

    about: str
    implementation: str
    settings: str
    needs_answers: bool = False


TEACHERS: dict[str, TeacherKind] = {
    "likelihood": TeacherKind(
        "how much a passage raises the likelihood of the reference answer under a causal language model",
        "workbench.teachers.likelihood.teacher:Likelihood",
        "workbench.teachers.likelihood.settings:LikelihoodSettings",
        needs_answers=True,
    ),
    "query_likelihood": TeacherKind(
        "how much a passage raises the likelihood of the query itself under a causal language model; needs no answers",
        "workbench.teachers.likelihood.teacher:QueryLikelihood",
        "workbench.teachers.likelihood.settings:QueryLikelihoodSettings",
    ),
    "endpoint": TeacherKind(
        "the same as `likelihood`, with a model behind vLLM, SGLang or a server of their protocols",
        "workbench.teachers.endpoint.teacher:Endpoint",
        "workbench.teachers.endpoint.settings:EndpointSettings",
        needs_answers=True,
    ),
    "lexical": TeacherKind(
        "how much a passage raises the likelihood of the reference answer under a model of single words; no download",
        "workbench.teachers.lexical:Lexical",
        "workbench.teachers.lexical:LexicalSettings",
        needs_answers=True,
    ),
    "judge": TeacherKind(
        "what a chat model says of a passage: a grade, a selection, a comparison, or a place in a list",
        "workbench.teachers.judge.teacher:Judge",
        "workbench.teachers.judge.settings:JudgeSettings",
    ),
    "cross_encoder": TeacherKind(
        "the score that a cross-encoder gives to query and passage read together",
        "workbench.teachers.cross_encoder:CrossEncoder",
        "workbench.teachers.cross_encoder:CrossEncoderSettings",
    ),
    "attention": TeacherKind(
        "how much more a causal language model attends to a passage for the query than for one without content",
        "workbench.teachers.attention.teacher:Attention",
        "workbench.teachers.attention.settings:AttentionSettings",
    ),
}


def teacher(kind: str, **settings: Any) -> Teacher:
    """Return a teacher by its name in TEACHERS, not yet prepared.

    Parameters
    ----------
    kind : str
        "lexical", "likelihood", or another name of TEACHERS.
    **settings
        The settings of this kind of teacher; `workbench score --help` lists them.

    Returns
    -------
    Teacher
        A teacher that `score` prepares: only then it has a name, and only then a model is loaded.

    Raises
    ------
    UnknownName
        If there is no teacher of this kind.
    BadSetting
        If a setting is unknown, missing, or has a value that cannot work.

    Examples
    --------
    >>> teacher = wb.teacher("lexical", smoothing=0.3)
    >>> teacher.unit
    'nats per token'
    >>> wb.teacher("lexical", loudness=3)
    Traceback (most recent call last):
    ...
    workbench.errors.BadSetting: The lexical teacher has no setting 'loudness'. It has: smoothing, normalisation.
    """
    made: Teacher = make("teacher", TEACHERS, kind, settings)
    return made


def teacher_settings(kind: str) -> tuple[Setting, ...]:
    """Return the settings of a kind of teacher, with what they mean and their defaults."""
    return settings_of("teacher", TEACHERS, kind)


def needs_answers(teacher: Teacher) -> bool:
    """Return whether a teacher is of a kind that scores only queries with a reference answer."""
    place = f"{type(teacher).__module__}:{type(teacher).__qualname__}"
    return any(kind.needs_answers for kind in TEACHERS.values() if kind.implementation == place)
