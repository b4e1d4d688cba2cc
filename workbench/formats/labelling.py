"""Pairs to be judged in Argilla or Label Studio: the teacher's verdict as a suggestion out, people's verdicts in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

from workbench.errors import BadInput
from workbench.formats.parsing.gathering import Gathering, Problem, Unreadable
from workbench.formats.parsing.lines import DAMAGED, open_bytes
from workbench.formats.parsing.lookup import Lookup
from workbench.formats.parsing.values import read_id, read_title, shown
from workbench.formats.rows import read_moment, read_verdict
from workbench.formats.writing.rows import json_list
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
    """A pair to be judged, with a teacher's utility; `helps` says whether that is above the line."""

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


class Judgement(NamedTuple):
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


def write_tasks(tasks: Iterable[dict[str, Any]], path: Path) -> int:
    """Write tasks as a JSON list, each as it comes; return how many there are."""
    with path.open("w", encoding="utf-8", newline="") as file:
        pieces = sum(bool(file.write(piece)) for piece in json_list(tasks, indent=1))
        file.write("\n")
    return pieces - 1  # the last one ends the list


def argilla_judgements(record: dict[str, Any]) -> Iterator[Judgement]:
    """Yield the responses of a record, as Argilla's `records.to_json` writes them."""
    responses = _part(record, "responses", dict)
    notes = {note.get("user_id"): note.get("value") for note in responses.get(NOTE) or ()}
    for response in responses.get(QUESTION) or ():
        user = response.get("user_id")
        yield Judgement(_part(record, "metadata", dict), user, response.get("value"), notes.get(user, ""), None)


def labelstudio_judgements(task: dict[str, Any]) -> Iterator[Judgement]:
    """Yield the annotations of a task, as Label Studio's JSON export has them; cancelled ones are left out."""
    for annotation in _part(task, "annotations", list):
        if annotation.get("was_cancelled"):
            continue
        results = {result.get("from_name"): result.get("value") or {} for result in annotation.get("result") or ()}
        if QUESTION not in results:
            continue
        chosen = results[QUESTION].get("choices") or [None]
        note = "\n".join(map(str, results.get(NOTE, {}).get("text") or ()))
        by = annotation.get("completed_by")
        who = by.get("email") or by.get("id") if isinstance(by, dict) else by
        yield Judgement(_part(task, "data", dict), who, chosen[0], note, annotation.get("created_at"))


JUDGEMENTS = {"argilla": argilla_judgements, "labelstudio": labelstudio_judgements}


def read_labelled(
    kind: str, path: Path | str, known: Lookup, annotator: str, now: datetime
) -> tuple[tuple[Annotation, ...], tuple[Problem, ...]]:
    """Read the judgements made in "argilla" or "labelstudio"; a problem's line is the number of the record.

    `annotator` is whoever judged where the file names nobody, `now` the time where it tells none.
    """
    path, gathering = Path(path), Gathering()
    annotations: list[Annotation] = []
    for number, record in enumerate(_records(path), start=1):
        with gathering.reading(path, number):
            if not isinstance(record, dict):
                raise Unreadable(f"expected a JSON object, found {shown(record)}")
            try:
                judgements = list(JUDGEMENTS[kind](record))
            except (AttributeError, TypeError, LookupError):
                raise Unreadable(f"not a record as {kind} writes it") from None
            annotations += [_annotation(judgement, known, annotator, now) for judgement in judgements]
    return tuple(annotations), gathering.collection().problems


def _annotation(judgement: Judgement, known: Lookup, annotator: str, now: datetime) -> Annotation:
    query_id = known.query(read_id(judgement.pair.get("query_id"), "query_id"))
    passage_id = known.passage(read_id(judgement.pair.get("passage_id"), "passage_id"))
    who = annotator if judgement.annotator in (None, "", "None") else read_id(judgement.annotator, "annotator").strip()
    if not who:
        raise Unreadable("nothing says whose judgement this is; name the annotator (--annotator)")
    created = now if judgement.created is None else read_moment(judgement.created, "created_at")
    return Annotation(
        query_id=query_id,
        passage_id=passage_id,
        annotator=who,
        verdict=read_verdict(judgement.verdict),
        note=read_title(judgement.note, NOTE),
        rule="",
        created=created,
    )


def _records(path: Path) -> list[Any]:
    """Return the records of a JSON file: a list of them."""
    with open_bytes(path) as file:
        try:
            records = json.load(file)
        except DAMAGED:
            raise BadInput("the file is damaged or ends early.", path, hint="Fetch or copy it again.") from None
        except (ValueError, RecursionError) as trouble:
            raise BadInput(f"not JSON: {trouble}", path) from None
    if not isinstance(records, list):
        raise BadInput("expected a JSON list of records.", path, hint="Export as JSON, not as JSON-MIN or JSONL.")
    return records


def _part(record: dict[str, Any], name: str, kind: type) -> Any:
    part = record.get(name)
    return part if isinstance(part, kind) else kind()
