"""What comes between: a server that restarts under an open page, and two people at the same cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.annotator import Annotator, many_cases
from tests.browser.dashboard import free_port, served
from workbench.store import views

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_verdicts_given_while_the_server_restarts_arrive_once_it_is_back(annotator: Annotator, tmp_path: Path) -> None:
    store, port = many_cases(tmp_path / "workspace", queries=8), free_port()
    with served(store.path, port=port) as address:
        annotator.start(address, "Ada", advance="true")
        cases = [annotator.on_screen()]
        annotator.press("0")
        annotator.all_kept()
    for _ in range(3):
        cases.append(annotator.on_screen())
        annotator.press("0")
    assert annotator.on_screen() not in cases
    with served(store.path, port=port):
        annotator.all_kept()
    rows = views.verdicts(store)
    assert [(row.query_id, row.passage_id) for row in rows] == cases
    assert {(row.verdict, row.annotator) for row in rows} == {("useless", "Ada")}


def test_two_people_in_two_browsers_judge_the_same_cases(browser: Any, tmp_path: Path) -> None:
    store = many_cases(tmp_path / "workspace", queries=4)
    with served(store.path) as address:
        people = {name: Annotator(browser) for name in ("Ada", "Bo")}
        seen: dict[str, list[Any]] = {name: [] for name in people}
        for name, person in people.items():
            person.start(address, name, advance="true")
        for _ in range(4):
            for name, person in people.items():
                seen[name].append(person.on_screen())
                person.press("0" if name == "Ada" else "3")
        for person in people.values():
            person.all_kept()
            assert person.errors == []
            person.page.close()
    assert seen["Ada"] == seen["Bo"]
    rows = views.verdicts(store)
    for name, verdict in (("Ada", "useless"), ("Bo", "useful")):
        own = [row for row in rows if row.annotator == name]
        assert [(row.query_id, row.passage_id) for row in own] == seen[name]
        assert {row.verdict for row in own} == {verdict}
