"""Twenty cases judged by keyboard alone, and a student trained on the verdicts, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.tab import Tab
from tests.conftest import run
from tests.screenshots import served, settled
from tests.shell import worked
from tests.steps.classes import base, collection
from workbench.records import Hit
from workbench.store import Store, views

pytestmark = pytest.mark.browser

# Key, verdict, grade. The teacher calls every case of this queue useless.
JUDGED = (
    ("0", "useless", 0), ("1", "useful", 1), ("2", "useful", 2), ("3", "useful", 3), ("h", "harmful", None),
    ("n", "unsure", None), ("a", "useless", None), ("x", "useful", None),
)  # fmt: skip
Pair = tuple[str, str]


@pytest.fixture
def workspace(tmp_path: Path) -> Store:
    """Return a workspace whose student puts three useless passages first for every query of train and test."""
    store = collection(tmp_path / "workspace")
    for split in ("train", "test"):
        hits: list[Hit] = []
        for query in views.queries(store, split):
            utilities = views.utilities(store, "toy", query.query_id)
            worst_first = sorted(utilities, key=lambda utility: (utility.value, utility.passage_id))
            hits += [
                Hit(f"poor@{split}", query.query_id, utility.passage_id, rank, 1 - rank / 10)
                for rank, utility in enumerate(worst_first, start=1)
            ]
        store.add_run(run("poor", split), hits)
    return store


class Annotator(Tab):
    """A browser tab with a person who has no mouse."""

    def wait(self, words: str) -> None:
        shown = "words => document.body.innerText.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(shown, arg=words, timeout=45_000)
        settled(self.page)

    def start(self, address: str, who: str, split: str) -> None:
        self.open(f"{address}/annotate?rule=useless+but+near&student=poor&split={split}&annotator={who}")
        self.wait("judged by you")

    def press(self, key: str, *, until: str) -> None:
        self.page.keyboard.press(key)
        self.wait(until)

    def on_screen(self) -> Pair:
        params = parse_qs(urlsplit(self.page.url).query)
        return params["query"][0], params["passage"][0]

    def enter(self) -> None:
        before = self.page.url
        self.page.keyboard.press("Enter")
        self.page.wait_for_function("before => location.href !== before", arg=before, timeout=45_000)
        settled(self.page)


def test_twenty_cases_by_keyboard_alone_with_a_refresh_an_undo_and_a_skip(browser: Any, workspace: Store) -> None:
    expected: dict[Pair, tuple[str, int | None]] = {}
    with served(workspace.path) as address:
        tab = Annotator(browser)
        tab.start(address, "Ada", "test")
        tab.press("s", until="1 skipped")
        for number in range(20):
            if number == 10:
                tab.page.reload()
                settled(tab.page)
                tab.wait("10 of 24 judged by you")
            key, verdict, grade = JUDGED[number % len(JUDGED)]
            tab.press(key, until=f"{number + 1} of 24 judged by you")
            expected[tab.on_screen()] = (verdict, grade)
            if number == 14:
                tab.press("u", until="14 of 24 judged by you")
                tab.press("3", until="15 of 24 judged by you")
                expected[tab.on_screen()] = ("useful", 3)
            if number == 15:
                tab.press("f", until="flag")
            tab.enter()
        assert len(expected) == 20
        settled(tab.page)  # a click while the page is drawn anew is lost
        tab.page.get_by_text("Export the annotations").click()
        settled(tab.page)
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name="annotations.jsonl").click()
        lines = Path(download.value.path()).read_text("utf-8").splitlines()
        assert tab.errors == []
    rows = {(row["query_id"], row["passage_id"]): row for row in map(json.loads, lines)}
    assert {pair: (row["verdict"], row["grade"]) for pair, row in rows.items()} == expected
    assert {row["annotator"] for row in rows.values()} == {"Ada"}
    assert sum(row["flagged"] for row in rows.values()) == 1


def test_a_key_pressed_before_the_next_case_is_drawn_judges_the_case_that_was_seen(
    browser: Any, workspace: Store
) -> None:
    held: list[Any] | None = None

    def between(socket: Any) -> None:
        server = socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(lambda message: socket.send(message) if held is None else held.append(message))

    with served(workspace.path) as address:
        tab = Annotator(browser)
        tab.page.route_web_socket("**/_stcore/stream", between)
        tab.start(address, "Ada", "test")
        tab.press("3", until="1 of 24 judged by you")
        seen, held = tab.on_screen(), []
        tab.page.keyboard.press("Enter")  # the server goes on, and the browser does not hear of it
        tab.page.wait_for_timeout(4_000)
        tab.page.keyboard.press("h")
        tab.page.wait_for_timeout(4_000)
        assert held
        assert tab.errors == []
    assert {word[:2]: word.verdict for word in views.last_words(workspace, "Ada")} == {seen: "harmful"}


def test_a_student_learns_from_the_annotated_set_and_the_diff_shows_it(
    browser: Any,
    workspace: Store,
    tmp_path: Path,
) -> None:
    untrained = base(tmp_path / "untrained")
    with served(workspace.path) as address:
        tab = Annotator(browser)
        tab.start(address, "Ada", "train")
        for number in range(6):
            tab.press("3", until=f"{number + 1} of 24 judged by you")
            tab.enter()
        quick = ("--steps", 20, "--evaluate-every", 10, "--batch-size", 2, "--learning-rate", 0.05)
        trained = worked(
            "train", untrained, "--only", "annotated", "--name", "trained", *quick, workspace=workspace.path
        )
        assert "6 verdicts of annotators override the teacher's labels: 6 changed" in trained.out
        worked("evaluate", untrained, "trained", workspace=workspace.path)
        tab.open(f"{address}/diff?before={untrained}&after=trained&split=test")
        tab.wait(f"trained against {untrained} on nDCG@10, test:")
        assert tab.errors == []
