"""What searches on this server: students' indexes that are open, a teacher that is loaded, and what is lacking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import streamlit as st

from workbench import jobs
from workbench.commands import command
from workbench.errors import BadSetting, WorkbenchError
from workbench.records import Passage, Query
from workbench.retrieval.searcher import Searcher
from workbench.steps.compare.searching.indexes import KeptIndex, kept_index
from workbench.steps.compare.searching.results import SearchResult
from workbench.steps.compare.searching.search import Reranker, search_with
from workbench.store import ALL_BUT_ANNOTATIONS, Store, views
from workbench.teachers import RemoteTeacher, Teacher
from workbench.teachers import teacher as make_teacher
from workbench.ui.search.choices import TeacherChoice
from workbench.ui.shell import cache, commands, components

AT_ONCE = 50_000  # passages whose index a page makes by itself, if all of them are encoded
OPEN = 6  # indexes that stay open, their models loaded


class Ready(NamedTuple):
    """The indexes that can be searched now, and students that lack theirs, each with why; the others were reported."""

    indexes: list[KeptIndex]
    lacking: dict[str, str]


def ready(store: Store, names: Sequence[str]) -> Ready:
    """Return what can be searched; small indexes of passages that are encoded are made, other students are reported."""
    indexes, lacking = [], {}
    for name in names:
        try:
            index = kept_index(store, name, cache.collection_fingerprint(store))
            if index is None:
                _only_in_the_shell(store, name)
            elif index.is_made or _made(store, index):
                indexes.append(index)
            else:
                lacking[name] = _why(store, index)
        except WorkbenchError as error:
            components.failed(f"{name}: {error.problem}", error.hint)
    return Ready(indexes, lacking)


def offer_indexes(store: Store, query: Query, lacking: dict[str, str]) -> None:
    """Say which indexes are lacking and why, with the button that makes them as a job."""
    with st.container(border=True):
        for name, why in lacking.items():
            components.text(f"{name}: {why}")
        if any(job.state == "running" and job.verb == "search" for job in jobs.jobs(store)):
            components.remark("They are being made; the sidebar shows how far it is.")
        elif st.button("Make the indexes", key="make-indexes", type="primary", icon=":material/play_arrow:"):
            jobs.start(store, command("search", query.text.replace("\0", " "), student=list(lacking)))
            st.rerun()


def searched(
    store: Store, query: Query, indexes: Sequence[KeptIndex], teacher: TeacherChoice | None, depth: int
) -> SearchResult:
    """Return the rankings, remembered until the workspace changes."""
    key = (
        str(store.path), store.changes().last(ALL_BUT_ANNOTATIONS), store.overrides, query,
        [(index.student, str(index.folder)) for index in indexes], teacher, depth,
    )  # fmt: skip
    with st.spinner("Searching; a model is loaded for the first query …"):
        return _result(store, opened(indexes), _loaded().get(_key(store, teacher)) if teacher else None, key)


def opened(indexes: Sequence[KeptIndex]) -> list[Searcher]:
    """Return what searches on these indexes."""
    return [_opened(index, str(index.folder), index.student) for index in indexes]


def is_loaded(store: Store, choice: TeacherChoice) -> bool:
    """Return whether a teacher can be asked; one without a model is loaded now, for another a button is shown."""
    if _key(store, choice) in _loaded():
        return True
    if choice.model and not st.button("Load the model", key="load-teacher", icon=":material/download:"):
        components.remark("The model is loaded into the memory of this server, and stays there until another one is.")
        return False
    with st.spinner("Loading the teacher …"):
        teacher = make_teacher(choice.kind, **({"model": choice.model} if choice.model else {}))
        teacher.prepare(_passages(store))
    if isinstance(teacher, RemoteTeacher) and teacher.estimate([]) is not None:
        raise BadSetting("This teacher asks a server.", "Re-rank by it in the shell, where its costs are limited.")
    _loaded().clear()
    _loaded()[_key(store, choice)] = teacher
    return True


@st.cache_data(max_entries=40, ttl="6h", show_spinner=False)
def _result(
    _store: Store, _searchers: Sequence[Searcher], _teacher: Teacher | None, key: tuple[object, ...]
) -> SearchResult:
    query, teacher, depth = key[3], key[5], key[6]
    assert isinstance(query, Query) and isinstance(depth, int)
    reranker = Reranker(_teacher, teacher.depth) if _teacher and isinstance(teacher, TeacherChoice) else None
    return search_with(_store, query, _searchers, reranker, depth)


@st.cache_resource(max_entries=OPEN, show_spinner=False)
def _opened(_index: KeptIndex, folder: str, student: str) -> Searcher:
    return _index.open()


@st.cache_resource(show_spinner=False)
def _loaded() -> dict[tuple[str, str, str, str], Teacher]:
    """Return the teacher that is loaded, by workspace, collection, kind and model: one at a time."""
    return {}


def _key(store: Store, choice: TeacherChoice) -> tuple[str, str, str, str]:
    return str(store.path), cache.collection_fingerprint(store), choice.kind, choice.model


def _passages(store: Store) -> Iterator[Passage]:
    """Yield all passages to a teacher that reads the collection, unless they are too many to wait for."""
    if (number := cache.counts(store).passages) > AT_ONCE:
        raise BadSetting(
            f"This teacher reads the whole collection first, and these are {number:,} passages.",
            "Re-rank by it in the shell: `workbench search`.",
        )
    for part in views.passage_parts(store):
        yield from part


def _made(store: Store, index: KeptIndex) -> bool:
    """Make an index that takes no more than a moment; return whether it was made."""
    if cache.counts(store).passages > AT_ONCE or _to_encode(index, str(index.folder), store.revision()):
        return False
    with st.spinner(f"Making the index of {index.student} …"):
        index.make()
    return True


@st.cache_data(max_entries=20, ttl="10m", show_spinner=False)
def _to_encode(_index: KeptIndex, folder: str, revision: int) -> int:
    return _index.passages_to_encode()


def _why(store: Store, index: KeptIndex) -> str:
    number = cache.counts(store).passages
    if index.is_stale:
        why = "the passages have changed since its index was made"
    elif number > AT_ONCE:
        return f"there is no index of the {number:,} passages yet; to make it takes minutes."
    else:
        why = "it has not encoded all passages"
    if number > AT_ONCE:
        return f"{why}; to make it anew takes minutes."
    lacking = _to_encode(index, str(index.folder), store.revision())
    return f"{why}: {lacking:,} of {number:,} are to be encoded."


def _only_in_the_shell(store: Store, name: str) -> None:
    components.failed(
        f"{name} compares a query with every passage, and its embeddings are not kept: no page can search with it.",
        "Search with it in the shell.",
    )
    st.code(commands.line(store, *command("search", "TEXT", student=[name])), language="shell", wrap_lines=True)
