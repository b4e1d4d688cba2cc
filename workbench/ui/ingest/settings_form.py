"""How the files are to be read: their format, as guessed or changed, and what they do not say themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from workbench.commands import command
from workbench.formats.recognition import FileHead
from workbench.formats.table import ROLES, column_roles
from workbench.records import SPLITS, UNITS
from workbench.steps.data.formats import readable, recognised
from workbench.steps.data.readers import IngestSettings
from workbench.ui.shell import components

ABOUT = {
    "query": "the question", "passage": "a text that can be found", "passages": "a list of passages",
    "query_id": "else made from its text", "answers": "reference answers, a list or one", "split": "train, dev or test",
    "tags": "topics or kinds, to split by", "title": "of the passage", "passage_id": "else made from its text",
    "relevance": "how relevant the passage is to the query",
}  # fmt: skip
SCORED = ("utilities", "pairs", "listwise", "flagembedding", "huggingface")
JUDGED = ("annotations", "quepid", "argilla", "labelstudio")
NONE = ""


def form(head: FileHead) -> tuple[str, IngestSettings]:
    """Show the format and its settings; return both."""
    kinds, guess = readable(), recognised(head)
    version = f"{head.path}-{guess}"  # other files begin with their own settings
    kind = st.selectbox(
        "Format", list(kinds), index=list(kinds).index(guess) if guess else 0, key=f"kind-{version}",
        format_func=lambda name: f"{name}: {kinds[name].about}",
        help="Guessed from the beginning of the files; change it if it is another.",
    )  # fmt: skip
    if not guess:
        components.remark("Nothing in these files shows their format; choose it.")
    settings = IngestSettings()
    if kind == "table":
        settings = _table(head, settings, version)
    if kind in SCORED:
        settings = _teacher(settings, version)
    if kind in JUDGED:
        annotator = st.text_input("Annotator, where the file names none", key=f"annotator-{version}")
        settings = replace(settings, annotator=(annotator or "").strip())
    with st.expander("More settings", icon=":material/tune:"):
        settings = _more(settings, version, collection=kind in ("beir", "table"))
    return kind, settings


def _table(head: FileHead, settings: IngestSettings, version: str) -> IngestSettings:
    """Let a person say which column holds what; only what differs from the usual names is a setting."""
    usual = column_roles(head.columns)
    st.caption("What each column holds")
    areas = components.columns("four-roles", [1, 1, 1, 1])
    chosen = {
        role: areas[number % len(areas)].selectbox(
            role.replace("_", " "), [NONE, *head.columns],
            index=head.columns.index(usual[role]) + 1 if role in usual else 0,
            format_func=lambda column: column or "(no column)", key=f"role-{role}-{version}", help=ABOUT[role],
        )
        for number, role in enumerate(ROLES)
    }  # fmt: skip
    changed = {role: column for role, column in chosen.items() if column != usual.get(role, NONE)}
    if chosen["relevance"] or not (chosen["query"] and (chosen["passage"] or chosen["passages"])):
        return replace(settings, columns=changed)
    relevance = st.number_input(
        "Relevance of each pair, as no column says it", 0, 100, 1, key=f"relevance-{version}",
        help="1: the passage of a row answers its query. Empty: the pairs are no judgements.",
    )  # fmt: skip
    return replace(settings, columns=changed, relevance=relevance)


def _teacher(settings: IngestSettings, version: str) -> IngestSettings:
    left, right = components.columns("two-teacher", [1, 1])
    teacher = left.text_input("Name of the teacher that gave the scores", key=f"teacher-{version}")
    unit = right.selectbox("Unit of the scores", UNITS, UNITS.index("unknown"), key=f"unit-{version}")
    return replace(settings, teacher=(teacher or "").strip(), unit=unit)


def _more(settings: IngestSettings, version: str, *, collection: bool) -> IngestSettings:
    left, middle, right = components.columns("three-more", [1, 1, 1])
    skip = left.checkbox(
        "Leave out lines that cannot be read", key=f"skip-{version}", help="Else one such line stops the ingest."
    )
    new = middle.checkbox(
        "Let new content replace old", key=f"replace-{version}", help="Under a known id; else that stops the ingest."
    )
    split = NONE
    if collection:
        split = right.selectbox(
            "Split of new queries", [NONE, *SPLITS], format_func=lambda name: name or "(as the files say)",
            key=f"split-{version}", help="Where the files name none. They can be given splits below.",
        )  # fmt: skip
    return replace(settings, skip_bad_lines=skip, replace=new, split=split)


def options(settings: IngestSettings) -> dict[str, object]:
    """Return the settings that differ from the usual ones as options of `workbench ingest`."""
    usual: Mapping[str, Any] = vars(IngestSettings())
    columns = [f"{role}={column}" for role, column in settings.columns.items()]
    others = {name: value for name, value in vars(settings).items() if name != "columns" and value != usual[name]}
    return {"column": columns, **others}


def arguments(kind: str, head: FileHead, settings: IngestSettings, **more: object) -> list[str]:
    """Return the arguments of the program that ingest files by these settings."""
    return command("ingest", kind, str(head.path), **options(settings), **more)
