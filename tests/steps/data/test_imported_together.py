"""Two processes that ingest the same file at once: what one has written, the other finds there."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from workbench.records import Annotation
from workbench.steps.annotate.annotate import annotate, undo
from workbench.steps.data import imported
from workbench.steps.data.ingest import ingest
from workbench.steps.data.readers import IngestSettings
from workbench.store import Store, views

ROWS = """query_id,passage_id,annotator,verdict,created
q1,ü,ada,useful,2026-01-01T12:00:00Z
q1,03,ada,useless,2026-01-01T12:01:00Z
"""


def test_the_same_annotations_are_stored_once(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all.csv").write_text(ROWS, encoding="utf-8")
    compare = imported._new_annotations
    others: list[threading.Thread] = []

    def meanwhile(*arguments: Any) -> Any:
        """Compare, and let another ingest of the same file begin before the rows are written."""
        rows = compare(*arguments)
        if not others:
            others.append(threading.Thread(target=ingest, args=(store, "annotations", tmp_path / "all.csv")))
            others[0].start()
            others[0].join(timeout=0.3)
        return rows

    monkeypatch.setattr(imported, "_new_annotations", meanwhile)
    assert ingest(store, "annotations", tmp_path / "all.csv").annotations == 2
    others[0].join()
    assert len(views.verdicts(store)) == 2


def test_a_file_that_contradicts_what_is_there_adds_nothing_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    before = store.revision(), views.counts(store)
    monkeypatch.setattr(Store, "add_candidates", fail)
    file = store.path / "utilities.csv"
    file.write_text("query_id,passage_id,value\nq1,p/1,1.5\n", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        ingest(store, "utilities", file, IngestSettings(teacher="theirs", unit="grade"))
    assert (store.revision(), views.counts(store)) == before


def test_an_act_is_taken_back_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for verdict in ("useful", "useless"):
        annotate(store, "q1", "ü", verdict, "ada")
    look = views.last_act
    others: list[threading.Thread] = []

    def meanwhile(of: Store, annotator: str) -> list[tuple[Annotation, Annotation | None]]:
        act = look(of, annotator)
        if not others:
            others.append(threading.Thread(target=undo, args=(store, "ada")))
            others[0].start()
            others[0].join(timeout=0.3)
        return act

    monkeypatch.setattr(views, "last_act", meanwhile)
    undo(store, "ada")
    others[0].join()
    assert views.verdicts(store, latest=True) == []
