"""Annotate: write down a person's verdict on a pair, for good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from workbench.errors import BadSetting, UnknownName
from workbench.records import Annotation, Verdict
from workbench.store import Store, views


def annotate(  # noqa: PLR0913 - a verdict has no settings to be gathered in
    store: Store,
    query_id: str,
    passage_id: str,
    verdict: Verdict,
    annotator: str = "",
    *,
    note: str = "",
    rule: str = "",
) -> Annotation:
    """Append a verdict on how useful a passage is for a query; a later verdict follows it, never replaces it.

    `rule` names the hard-case rule that put the pair before the annotator, if one did.
    """
    if verdict not in get_args(Verdict):
        raise BadSetting(f"{verdict!r} is not a verdict.", f"Verdicts: {', '.join(get_args(Verdict))}.")
    views.query(store, query_id)
    if not views.passages(store, [passage_id]):
        raise UnknownName("passage", passage_id, [], "Check the id; it must be written as it was ingested.")
    made = Annotation(query_id, passage_id, annotator or "anonymous", verdict, note.strip(), rule, datetime.now(UTC))
    store.add_annotation(made)
    return made
