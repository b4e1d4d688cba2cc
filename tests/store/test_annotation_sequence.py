"""Which annotation came later is said by the order they were made in, not by a clock that may be set back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import toy
from tests.workspaces import copy_of
from workbench.records import Annotation
from workbench.steps.annotate.annotate import undo
from workbench.steps.data.export import export
from workbench.steps.data.frames import annotations
from workbench.steps.data.ingest import ingest
from workbench.store import Store, views
from workbench.store.database import schema

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def verdict(word: str, hours: int, annotator: str = "ada") -> Annotation:
    """Return a verdict that a clock dates `hours` after noon."""
    return Annotation("q1", "ü", annotator, word, "", "", NOON + timedelta(hours=hours))  # type: ignore[arg-type]


def test_the_later_verdict_holds_although_the_clock_was_set_back(store: Store) -> None:
    for row in (verdict("useful", 2), verdict("harmful", 0)):
        store.add_annotation(row)
    assert [row.verdict for row in views.verdicts(store)] == ["useful", "harmful"]
    assert [row.verdict for row in views.verdicts(store, latest=True)] == ["harmful"]
    assert views.decided(store) == {("q1", "ü"): "harmful"}
    assert [case.verdict for case in views.annotated(store)] == ["harmful"]
    assert list(annotations(store)["verdict"]) == ["harmful"]
    assert [row.verdict for row in undo(store, "ada")] == ["withdrawn"]
    assert [row.verdict for row in views.verdicts(store, latest=True)] == ["useful"]


def test_the_order_of_a_history_comes_back_from_its_file(store: Store, tmp_path: Path) -> None:
    store.add_annotations([verdict("useful", 2), verdict("harmful", 0)])
    there = copy_of(toy, tmp_path / "there")
    ingest(there, "annotations", export(store, "annotations", tmp_path / "all.jsonl", history=True).path)
    assert views.verdicts(there) == views.verdicts(store)
    assert ingest(there, "annotations", tmp_path / "all.jsonl").annotations == 0


def test_an_older_verdict_from_a_file_is_no_last_word(store: Store, tmp_path: Path) -> None:
    there = copy_of(toy, tmp_path / "there")
    there.add_annotations([verdict("useless", 0), verdict("unsure", 1)])
    store.add_annotations([verdict("useful", 2), verdict("harmful", 0, "bob")])
    ingest(store, "annotations", export(there, "annotations", tmp_path / "all.jsonl", history=True).path)
    assert [(row.annotator, row.verdict) for row in views.verdicts(store)] == [
        ("ada", "useless"),
        ("ada", "unsure"),
        ("ada", "useful"),
        ("bob", "harmful"),
    ]
    assert {row.annotator: row.verdict for row in views.last_words(store)} == {"ada": "useful", "bob": "harmful"}


def test_a_workspace_of_before_keeps_the_order_of_its_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = next(number for number, text in enumerate(schema.MIGRATIONS) if "sequence bigint" in text)
    with monkeypatch.context() as earlier:
        earlier.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:before])
        old = Store(tmp_path / "old", create=True)
        with old.transaction() as connection:
            connection.execute(
                "insert into annotations (query_id, passage_id, annotator, verdict, note, rule, created) values "
                "('q', 'p', 'ada', 'useful', '', '', '2026-01-02'), ('q', 'p', 'ada', 'unsure', '', '', '2026-01-01')"
            )
    new = Store(old.path)
    assert [row.verdict for row in views.verdicts(new)] == ["unsure", "useful"]
    new.add_annotation(verdict("harmful", 0)._replace(query_id="q", passage_id="p"))
    assert [row.verdict for row in views.verdicts(new)] == ["unsure", "useful", "harmful"]
