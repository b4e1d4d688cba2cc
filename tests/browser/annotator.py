"""A person with a keyboard and no mouse, and the workspaces whose hard cases are judged."""

from __future__ import annotations

import json
from pathlib import Path

from tests.browser.tab import Tab
from tests.conftest import run, utility
from workbench.records import Hit, Passage, Query
from workbench.store import Store

Pair = tuple[str, str]
CARD = "document.querySelector('.annotate')"


def many_cases(path: Path, queries: int = 100) -> Store:
    """Return a workspace with three useless passages on top for every query: three hard cases each."""
    store = Store(path, create=True)
    asked = [Query(f"q{at:03}", f"What is number {at}?", ("one",), "test") for at in range(queries)]
    passages = [Passage(f"p{at}", f"Title {at}", f"The text of passage {at} is of no use.") for at in range(3)]
    store.add_collection(asked, passages)
    pairs = [(query.query_id, passage.passage_id) for query in asked for passage in passages]
    store.add_scored([utility(*pair, -1.0 - at / 1_000) for at, pair in enumerate(pairs)], "nats per token")
    store.add_run(run("poor"), [Hit("poor@test", *pair, 1 + at % 3, 1 - at % 3 / 10) for at, pair in enumerate(pairs)])
    return store


class Annotator(Tab):
    """A browser tab in which hard cases are judged by keys."""

    def start(self, address: str, who: str, split: str = "test", **params: str) -> None:
        others = "".join(f"&{name}={value}" for name, value in params.items())
        self.open(f"{address}/annotate?rule=useless+but+near&student=poor&split={split}&annotator={who}{others}")
        self.wait("judged by you")

    def press(self, key: str, *, until: str = "") -> None:
        self.page.keyboard.press(key)
        if until:
            self.wait(until)

    def on_screen(self) -> Pair | None:
        """Return the case that a key would judge now."""
        case = self.page.evaluate(f"{CARD}?.dataset.case")
        return tuple(json.loads(case)) if case else None

    def all_kept(self, seconds: float = 60) -> None:
        """Wait until the store has acknowledged everything."""
        self.page.wait_for_function(f"{CARD}?.dataset.unsent === '0'", timeout=seconds * 1_000)

    def shows(self, words: str) -> bool:
        return words in self.page.evaluate("document.body.innerText.replace(/\\s+/g, ' ')")

    def reload(self) -> None:
        self.page.reload()
        self.settle()
        self.wait("judged by you")
