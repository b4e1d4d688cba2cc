"""Every page on a workspace of hostile texts and names: all of it is shown as text."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.hostile import ANNOTATORS, BASE, DIRECTIVES, STUDENT, TEACHER, TEXTS, hostile, query_id
from tests.ui.pages import PAGES, Visit, html_of, text_of
from tests.workspaces import copy_of
from workbench.store import Store

# What Streamlit reads Markdown in: the values of some elements, and the labels of all.
MARKDOWN = ("markdown", "caption", "error", "warning", "info", "success", "title", "header", "subheader", "toast")
WIDGETS = ("button", "toggle", "checkbox", "selectbox", "multiselect", "text_input", "text_area", "number_input",
           "segmented_control", "select_slider", "slider", "radio", "expander", "tabs")  # fmt: skip
PARAMS = {"teacher": TEACHER, "before": BASE, "after": STUDENT, "student": STUDENT, "agreement": "true",
          "health": "true", "annotator": ANNOTATORS[0], "everyone": "true", "rows": "students"}  # fmt: skip
# Pieces of the hostile texts. An escape is no help: of `\\:material/home\\:` Streamlit makes a picture all the same.
FOREIGN = re.compile(r"onerror|:red|material/home|frac|javascript|script>|\u202e|bell")


class Tags(HTMLParser):
    """Collects the names of tags and of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def markdown_of(at: AppTest) -> list[str]:
    """Return all texts of a page that Streamlit reads as Markdown."""
    values = [str(element.value) for kind in MARKDOWN for element in getattr(at, kind)]
    labels = [str(element.label) for kind in WIDGETS for element in getattr(at, kind)]
    links = [element.proto.label for kind in ("page_link", "download_button") for element in at.get(kind)]
    return [*values, *labels, *links, *(text for element in at.segmented_control for text in options(element))]


def options(element: Any) -> list[str]:
    """Return the labels of a control's segments."""
    return [option.content for option in element.proto.options]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return copy_of(hostile, tmp_path / "a workspace")


@pytest.mark.slow
@pytest.mark.parametrize(("page", "student"), [*((page, STUDENT) for page in PAGES), ("students", BASE)])
def test_no_foreign_text_is_read_as_markdown_or_markup(store: Store, visit: Visit, page: str, student: str) -> None:
    at = visit(store, page, **PARAMS | {"student": student})
    assert "Something went wrong" not in text_of(at)
    assert [text for text in markdown_of(at) if FOREIGN.search(text)] == []
    tags = Tags()
    tags.feed("".join(html_of(at)))
    assert not tags.names & {"img", "script", "a", "iframe", "svg"}
    assert not any(name.startswith("on") or name in ("href", "src") for name in tags.attributes)


@pytest.mark.parametrize("page", ["utility", "diff"])
def test_the_texts_of_an_opened_query_are_shown_as_they_are(store: Store, visit: Visit, page: str) -> None:
    at = visit(store, page, teacher=TEACHER, before=BASE, after=STUDENT, query=query_id(DIRECTIVES))
    blocks = " ".join(unescape(element.value) for element in at.html)
    assert f'<p class="wb-query" dir="auto">{DIRECTIVES}</p>' in blocks
    for text in TEXTS:
        assert text in re.sub("</?mark[^>]*>", "", blocks)
