"""Annotate: a verdict is written down for good, and only about what is there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workbench.errors import BadSetting, UnknownName
from workbench.steps.annotate import annotate
from workbench.store import Store, views


def test_a_verdict_is_kept_with_who_when_and_why(store: Store) -> None:
    before = datetime.now(UTC)
    made = annotate(store, "q1", "p 2", "harmful", "ada", note="  misleads ", rule="useless but near")
    assert views.verdicts(store) == [made]
    assert made[:6] == ("q1", "p 2", "ada", "harmful", "misleads", "useless but near")
    assert before <= made.created <= datetime.now(UTC)


def test_a_later_verdict_follows_and_replaces_nothing(store: Store) -> None:
    for verdict in ("useful", "unsure"):
        annotate(store, "q1", "ü", verdict)
    assert [said.verdict for said in views.verdicts(store)] == ["useful", "unsure"]
    assert [said[2:4] for said in views.verdicts(store, latest=True)] == [("anonymous", "unsure")]


def test_nothing_is_written_about_what_is_not_there(store: Store) -> None:
    with pytest.raises(UnknownName, match="query"):
        annotate(store, "q99", "p/1", "useful")
    with pytest.raises(UnknownName, match="passage"):
        annotate(store, "q1", "p99", "useful")
    with pytest.raises(BadSetting, match="useful, useless, harmful, unsure"):
        annotate(store, "q1", "p/1", "splendid")  # type: ignore[arg-type]
    assert views.verdicts(store) == []
