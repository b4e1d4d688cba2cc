"""Pairs to be judged in Argilla or Label Studio: the teacher's word as a suggestion out, people's words back in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

from workbench.errors import BadInput
from workbench.formats.parsing.gathering import Gathering, Problem, Unreadable
from workbench.formats.parsing.lines import open_bytes
from workbench.formats.parsing.lookup import Lookup
from workbench.formats.parsing.values import read_id, read_title, shown
from workbench.formats.rows import read_moment, read_verdict
from workbench.records import Annotation, Passage, Query, Verdict

QUESTION, NOTE = "verdict", "note"

# What a Label Studio project of such tasks is set up with.
LABELLING = f"""<View>
  <Header value="$query"/>
  <Text name="passage" value="$passage"/>
  <Choices name="{QUESTION}" toName="passage" choice="single" required="true">
    {"".join(f'<Choice value="{verdict}"/>' for verdict in get_args(Verdict))}
  </Choices>
  <TextArea name="{NOTE}" toName="passage"/>
</View>"""


class Task(NamedTuple):
    """A pair to be judged, with what a teacher says of it; `helps` is its utility above the line."""

    query: Query
    passage: Passage
    teacher: str
    value: float
    helps: bool

    @property
    def origin(self) -> dict[str, Any]:
        """Return what a judgement must bring back to be about this pair."""
        names = {"query_id": self.query.query_id, "passage_id": self.passage.passage_id}
        return names | {"teacher": self.teacher, "utility": self.value}

    @property
    def suggestion(self) -> Verdict:
        """Return the teacher's number as a verdict."""
        return "useful" if self.helps else "useless"


class Said(NamedTuple):
    """One person's judgement as a file has it, before it is known to be about anything here."""

    pair: dict[str, Any]
    annotator: Any
    verdict: Any
    note: Any
    created: Any


def argilla(task: Task) -> dict[str, Any]:
    """Return a record as Argilla's `records.from_json` reads it."""
    return {
        "id": json.dumps([task.query.query_id, task.passage.passage_id], ensure_ascii=False),
        "fields": {"query": task.query.text, "passage": task.passage.content},
        "metadata": task.origin,
        "suggestions": {QUESTION: {"value": task.suggestion, "score": None, "agent": task.teacher}},
        "responses": {},
        "vectors": {},
    }


def labelstudio(task: Task) -> dict[str, Any]:
    """Return a task with a prediction as Label Studio imports it."""
    choice = {
        "from_name": QUESTION,
        "to_name": "passage",
        "type": "choices",
        "value": {"choices": [task.suggestion]},
    }
    return {
        "data": {"query": task.query.text, "passage": task.passage.content, **task.origin},
        "predictions": [{"model_version": task.teacher, "result": [choice]}],
    }


def said_in_argilla(record: dict[str, Any]) -> Iterator[Said]:
    """Yield the responses of a record, as Argilla's `records.to_json` writes them."""
    responses = _part(record, "responses", dict)
    notes = {each.get("user_id"): each.get("value") for each in responses.get(NOTE) or ()}
    for response in responses.get(QUESTION) or ():
        user = response.get("user_id")
        yield Said(_part(record, "metadata", dict), user, response.get("value"), notes.get(user, ""), None)


def said_in_labelstudio(task: dict[str, Any]) -> Iterator[Said]:
    """Yield the annotations of a task, as Label Studio's JSON export has them; cancelled ones say nothing."""
    for annotation in _part(task, "annotations", list):
        if annotation.get("was_cancelled"):
            continue
        results = {each.get("from_name"): each.get("value") or {} for each in annotation.get("result") or ()}
        if QUESTION not in results:
            continue
        chosen = results[QUESTION].get("choices") or [None]
        note = "\n".join(map(str, results.get(NOTE, {}).get("text") or ()))
        by = annotation.get("completed_by")
        who = by.get("email") or by.get("id") if isinstance(by, dict) else by
        yield Said(_part(task, "data", dict), who, chosen[0], note, annotation.get("created_at"))


SAID = {"argilla": said_in_argilla, "labelstudio": said_in_labelstudio}


def read_labelled(
    kind: str, path: Path | str, known: Lookup, annotator: str, now: datetime
) -> tuple[tuple[Annotation, ...], tuple[Problem, ...]]:
    """Read what people said in "argilla" or "labelstudio"; a problem's line is the number of the record.

    `annotator` is whoever judged where the file names nobody, `now` the time where it tells none.
    """
    path, gathering = Path(path), Gathering()
    found: list[Annotation] = []
    for number, record in enumerate(_records(path), start=1):
        with gathering.reading(path, number):
            if not isinstance(record, dict):
                raise Unreadable(f"expected a JSON object, found {shown(record)}")
            try:
                listed = list(SAID[kind](record))
            except (AttributeError, TypeError):
                raise Unreadable(f"not a record as {kind} writes it") from None
            found += [_annotation(said, known, annotator, now) for said in listed]
    return tuple(found), gathering.collection().problems


def _annotation(said: Said, known: Lookup, annotator: str, now: datetime) -> Annotation:
    query_id = known.query(read_id(said.pair.get("query_id"), "query_id"))
    passage_id = known.passage(read_id(said.pair.get("passage_id"), "passage_id"))
    who = annotator if said.annotator in (None, "", "None") else read_id(said.annotator, "annotator")
    if not who:
        raise Unreadable("nothing says whose judgement this is; name the annotator (--annotator)")
    made = now if said.created is None else read_moment(said.created, "created_at")
    return Annotation(
        query_id=query_id,
        passage_id=passage_id,
        annotator=who,
        verdict=read_verdict(said.verdict),
        note=read_title(said.note, NOTE),
        rule="",
        created=made,
    )


def _records(path: Path) -> list[Any]:
    """Return the records of a JSON file: a list of them."""
    with open_bytes(path) as file:
        try:
            found = json.load(file)
        except (ValueError, RecursionError) as trouble:
            raise BadInput(f"not JSON: {trouble}", path) from None
    if not isinstance(found, list):
        raise BadInput("expected a JSON list of records.", path, hint="Export as JSON, not as JSON-MIN or JSONL.")
    return found


def _part(record: dict[str, Any], name: str, kind: type) -> Any:
    found = record.get(name)
    return found if isinstance(found, kind) else kind()
