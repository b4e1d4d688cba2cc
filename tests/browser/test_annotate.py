"""Twenty cases judged by keyboard alone, and a student that learns from what was said, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.test_pages import Watched, browser  # noqa: F401 - the fixture
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
def school(tmp_path: Path) -> Store:
    """Return a workspace whose student puts three useless passages first for every query of train and test."""
    store = collection(tmp_path / "school")
    for split in ("train", "test"):
        hits: list[Hit] = []
        for query in views.queries(store, split):
            said = sorted(views.utilities(store, "toy", query.query_id), key=lambda each: (each.value, each.passage_id))
            hits += [
                Hit(f"poor@{split}", query.query_id, each.passage_id, rank, 1 - rank / 10)
                for rank, each in enumerate(said, start=1)
            ]
        store.add_run(run("poor", split), hits)
    return store


class Annotator(Watched):
    """A browser tab with a person who has no mouse."""

    def wait(self, words: str) -> None:
        told = "words => document.body.innerText.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(told, arg=words, timeout=45_000)
        settled(self.page)

    def start(self, address: str, who: str, split: str) -> None:
        self.open(f"{address}/annotate?rule=useless+but+near&student=poor&split={split}&annotator={who}")
        self.wait("judged by you")

    def press(self, key: str, *, until: str) -> None:
        self.page.keyboard.press(key)
        self.wait(until)

    def on_the_table(self) -> Pair:
        held = parse_qs(urlsplit(self.page.url).query)
        return held["query"][0], held["passage"][0]

    def enter(self) -> None:
        before = self.page.url
        self.page.keyboard.press("Enter")
        self.page.wait_for_function("before => location.href !== before", arg=before, timeout=45_000)
        settled(self.page)


def test_twenty_cases_by_keyboard_alone_with_a_refresh_an_undo_and_a_skip(browser: Any, school: Store) -> None:  # noqa: F811
    expected: dict[Pair, tuple[str, int | None]] = {}
    with served(school.path) as address:
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
            expected[tab.on_the_table()] = (verdict, grade)
            if number == 14:
                tab.press("u", until="14 of 24 judged by you")
                tab.press("3", until="15 of 24 judged by you")
                expected[tab.on_the_table()] = ("useful", 3)
            if number == 15:
                tab.press("f", until="flag")
            tab.enter()
        assert len(expected) == 20
        tab.page.get_by_text("Export the annotations").click()
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name="annotations.jsonl").click()
        lines = Path(download.value.path()).read_text("utf-8").splitlines()
        assert tab.trouble == []
    found = {(each["query_id"], each["passage_id"]): each for each in map(json.loads, lines)}
    assert {pair: (each["verdict"], each["grade"]) for pair, each in found.items()} == expected
    assert {each["annotator"] for each in found.values()} == {"Ada"}
    assert sum(each["flagged"] for each in found.values()) == 1


def test_a_key_pressed_before_the_next_case_is_drawn_judges_the_case_that_was_seen(browser: Any, school: Store) -> None:  # noqa: F811
    held: list[Any] | None = None

    def between(socket: Any) -> None:
        server = socket.connect_to_server()
        socket.on_message(server.send)
        server.on_message(lambda said: socket.send(said) if held is None else held.append(said))

    with served(school.path) as address:
        tab = Annotator(browser)
        tab.page.route_web_socket("**/_stcore/stream", between)
        tab.start(address, "Ada", "test")
        tab.press("3", until="1 of 24 judged by you")
        seen, held = tab.on_the_table(), []
        tab.page.keyboard.press("Enter")  # the server goes on, and the browser does not hear of it
        tab.page.wait_for_timeout(4_000)
        tab.page.keyboard.press("h")
        tab.page.wait_for_timeout(4_000)
        assert held
        assert tab.trouble == []
    assert {word[:2]: word.verdict for word in views.last_words(school, "Ada")} == {seen: "harmful"}


def test_a_student_learns_from_the_annotated_set_and_the_diff_shows_it(
    browser: Any,  # noqa: F811
    school: Store,
    tmp_path: Path,
) -> None:
    untrained = base(tmp_path / "untrained")
    with served(school.path) as address:
        tab = Annotator(browser)
        tab.start(address, "Ada", "train")
        for number in range(6):
            tab.press("3", until=f"{number + 1} of 24 judged by you")
            tab.enter()
        quick = ("--steps", 20, "--evaluate-every", 10, "--batch-size", 2, "--learning-rate", 0.05)
        told = worked("train", untrained, "--only", "annotated", "--name", "taught", *quick, workspace=school.path)
        assert "6 verdicts of people label_overrides: 6 overrode the teacher" in told.out
        worked("evaluate", untrained, "taught", workspace=school.path)
        tab.open(f"{address}/diff?before={untrained}&after=taught&split=test")
        tab.wait(f"taught against {untrained} on nDCG@10, test:")
        assert tab.trouble == []
