"""Pages in tests: what they show as text, their buttons, and workspaces to show."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any, Protocol

from streamlit.testing.v1 import AppTest

from workbench.store import Store
from workbench.ui.shell import style, touch
from workbench.ui.shell.navigation import PAGES as ALL_PAGES

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(page.name for page in ALL_PAGES)
NASTY = '<script>alert(1)</script> $math$ **bold** :red[x] ![](http://x) </div> ":material/home:" [a](javascript:b)'


class Visit(Protocol):
    """Opens a page of a workspace by its link."""

    def __call__(self, where: Store | Path, page: str, **params: str) -> AppTest: ...


def text_of(at: AppTest) -> str:
    """Return all the text of a page, as a person reads it."""
    kinds = (at.title, at.header, at.markdown, at.text, at.error, at.warning, at.caption, at.code, at.success)
    words = [str(element.value) for kind in kinds for element in kind]
    blocks = [unescape(re.sub(r"<[^>]*>", " ", block)) for block in html_of(at)]
    cards = [
        text for _ in at.get("bidi_component") for case in annotation_card(at)["cases"] for text in card_texts(case)
    ]
    return "\n".join([*words, *blocks, *cards]).replace("\\", "")


def html_of(at: AppTest) -> list[str]:
    """Return the blocks of HTML of a page, without the style and the script that all pages have."""
    ours = {style.css().strip(), touch.SCRIPT.strip()}
    return [element.value for element in at.html if element.value not in ours]


def card_texts(case: dict[str, Any]) -> list[str]:
    """Return the texts of a case on the annotation card."""
    passage = ["".join(part for part, _ in case[name]) for name in ("title", "text")]
    return [case["query"], *case["answers"], *passage, *(badge["word"] for badge in case["badges"])]


def annotation_card(at: AppTest) -> dict[str, Any]:
    """Return what the page Annotate hands to the card in the browser."""
    (component,) = at.get("bidi_component")
    return dict(json.loads(component.proto.json))


def button(at: AppTest, label: str) -> Any:
    """Return the button of this label."""
    return next(button for button in at.button if button.label == label)


def press(at: AppTest, label: str) -> None:
    """Click one of the buttons that have a key."""
    button(at, label).click().run()
    assert not at.exception, at.exception[0].message


def trained_student(store: Store, name: str, seed: int, dev: float, loss: str = "kl", **recipe: Any) -> None:
    """Add a student without weights, trained from `before` unless `recipe` says otherwise, that reached `dev`."""
    outcome = {"steps": 40, "best_step": 20, "dev_before": 0.5, "dev_after": dev, "measure": "nDCG@10", "seconds": 9.0}
    whole = {
        "name": name, "base": "before", "teacher": "toy", "loss": loss, "seed": seed, "created": f"2026-01-0{seed}",
        "settings": {"loss": loss, "seed": seed}, "outcome": {**outcome, "stopped": "budget"}, **recipe,
    }  # fmt: skip
    (store.students / name).mkdir(parents=True)
    (store.students / name / "student.json").write_text(json.dumps(whole))
