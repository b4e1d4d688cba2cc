"""Every page without a browser: on a full, an empty and a missing workspace, with bad links and foreign text."""

from __future__ import annotations

import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.conftest import PASSAGES, run, utility
from tests.ui.pages import NASTY, PAGES, ROOT, Visit, html_of, text_of
from workbench.records import Candidate, Hit, Passage, Qrel, Query
from workbench.store import Store, views
from workbench.ui.shell import cache, navigation

SAYS = {
    "overview": "4 queries over 4 passages",
    "ingest": "Nothing is written before you say so",
    "utility": "how useful toy finds the passage",
    "search": "Type a query and press Enter",
    "train": "Start training",
    "students": "Try many recipes",
    "diff": "after against before on nDCG@10, test: 1 better, 1 worse, 0 the same of 2",
    "map": "has no map of the 4 queries and 4 passages",
    "annotate": "Every case once with all its reasons",
}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_a_workspace(store: Store, visit: Visit, page: str) -> None:
    at = visit(store, page)
    words = text_of(at) + " ".join(button.label for button in at.button)
    assert SAYS[page] in words
    assert at.title[0].value == page.title()
    assert str(store.path) in words
    assert "wb-number" in "".join(element.value for element in at.html) or page in (
        "ingest",
        "search",
        "train",
        "students",
        "map",
        "annotate",
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_page_tells_an_empty_workspace_what_comes_first(empty: Store, visit: Visit, page: str) -> None:
    words = text_of(visit(empty, page))
    assert "workbench " in words.replace(str(empty.path), "")
    assert "Nothing here yet" in words or "Next: ingest" in words


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_workspace_is_reported_and_not_made(tmp_path: Path, visit: Visit, page: str) -> None:
    at = visit(tmp_path / "nowhere", page)
    assert "There is no workspace in" in text_of(at)
    assert "workbench demo" in text_of(at)
    assert not (tmp_path / "nowhere").exists()


def test_a_missing_workspace_is_made_when_a_person_asks_for_it(tmp_path: Path, visit: Visit) -> None:
    at = visit(tmp_path / "nowhere", "overview")
    next(button for button in at.button if button.label == "Make an empty workspace").click().run()
    assert not at.exception
    assert views.counts(Store(tmp_path / "nowhere")).queries == 0


def test_a_busy_database_is_waited_for_in_words_and_then_shown(store: Store, visit: Visit) -> None:
    code = f"import duckdb, sys; c = duckdb.connect({str(store.database)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        at = visit(store, "overview")
        words = text_of(at)
        assert "Waiting for the database" in words
        assert f"kept busy by process {holder.pid}" in words
        assert "goes on by itself" in words
        assert SAYS["overview"] not in words
        holder.communicate()
    at.run()
    assert SAYS["overview"] in text_of(at)


def test_a_page_reads_while_another_thread_reads(store: Store, visit: Visit) -> None:
    with store.read():  # the page is another thread
        assert SAYS["overview"] in text_of(visit(store, "overview"))


@pytest.mark.parametrize(
    ("page", "params", "words"),
    [
        ("diff", {"before": "nobody"}, "The link asks for “nobody” under “Before”"),
        ("diff", {"measure": "nDCG@1e9"}, "The link asks for “nDCG@1e9” under “Measure”"),
        ("diff", {"query": "gone & forgotten"}, "The link names the query “gone & forgotten”"),
        ("diff", {"split": "holdout"}, "The link asks for “holdout” under “Split”"),
        ("utility", {"teacher": "nobody:1"}, "The link asks for “nobody:1” under “Teacher”"),
        ("utility", {"student": "<b>x</b>", "query": "x"}, "The link asks for “<b>x</b>” under “Student”"),
        ("annotate", {"rule": "bad rule"}, "The link asks for “bad rule” under “Rule”"),
        ("annotate", {"query": "q1", "passage": "no such"}, "The link names a case that is not in this queue"),
    ],
)
def test_a_link_to_what_is_not_there_is_answered_in_words(
    store: Store, visit: Visit, page: str, params: dict[str, str], words: str
) -> None:
    assert words in text_of(visit(store, page, **params))


@pytest.mark.parametrize(("page", "query"), [("diff", "http://q/2?x=1"), ("diff", "q1"), ("utility", "http://q/2?x=1")])
def test_a_link_opens_the_query_it_names(store: Store, visit: Visit, page: str, query: str) -> None:
    words = text_of(visit(store, page, query=query))
    assert f"query {query}, test split" in words


@pytest.fixture
def nasty(store: Store) -> Store:
    """Return the toy store with texts that try to be more than text."""
    store.add_collection(
        [Query("n", f"What is {NASTY}?", (NASTY,), "test")],
        [Passage("n<1>", NASTY, f"{NASTY} {NASTY}")],
        [Qrel("n", "n<1>", 1)],
    )
    store.add_candidates([Candidate("n", "n<1>", "bm25")])
    store.add_scored([utility("n", "n<1>", 1.5)])
    for name, rank in (("before", 2), ("after", 40)):
        old = views.find_run(store, name, "test")
        store.add_run(run(name), [*views.hits(store, old), Hit(old.run, "n", "n<1>", rank, 0.5)])
    return store


@pytest.mark.parametrize("page", ["diff", "utility", "annotate"])
def test_foreign_text_is_shown_character_by_character(nasty: Store, visit: Visit, page: str) -> None:
    at = visit(nasty, page, query="n", passage="n<1>", student="after", rule="useful but far")
    assert unescape(NASTY) in " ".join(text_of(at).split())
    raw = "".join(html_of(at))
    assert ("&lt;script&gt;" in raw) is (page != "annotate"), "its card is drawn from text, not from HTML"
    assert "<script" not in raw
    assert "javascript:" not in re.sub(r">[^<]*<", "><", raw), "never inside a tag"
    markdown = "".join(str(element.value) for kind in (at.markdown, at.caption) for element in kind)
    assert "alert" not in markdown


def test_a_bug_is_a_sentence_and_a_mark_in_the_log(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("private detail")

    monkeypatch.setattr(cache, "teachers", broken)
    words = text_of(visit(store, "overview"))
    mark = re.search(r"details under (\w{8})", words)
    assert mark
    assert "private detail" not in words
    assert mark[1] in caplog.text
    assert "private detail" in caplog.text


def test_a_page_runs_without_the_entry_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(store.path))
    at = AppTest.from_file(str(ROOT / "pages" / "diff.py"), default_timeout=60)
    at.query_params["before"], at.query_params["after"] = "before", "after"
    at.run()
    assert not at.exception
    assert SAYS["diff"] in text_of(at)


def test_caches_follow_the_revision(store: Store, visit: Visit) -> None:
    visit(store, "overview")
    store.add_collection([Query("q9", "One more?", (), "test")], PASSAGES[:1])
    assert "5 queries over 4 passages" in text_of(visit(store, "overview"))


def test_a_run_over_other_passages_is_called_stale(store: Store, visit: Visit) -> None:
    assert "evaluated before passages or split changed" in text_of(visit(store, "diff"))


@pytest.mark.process
def test_looking_imports_no_torch(store: Store) -> None:
    code = f"""
import os, sys
os.environ["WORKBENCH_WORKSPACE"] = {str(store.path)!r}
from streamlit.testing.v1 import AppTest
for page in {PAGES!r}:
    at = AppTest.from_file({str(ROOT / "streamlit_app.py")!r}, default_timeout=60)
    at.switch_page(f"pages/{{page}}.py")
    at.run()
    assert not at.exception
print([name for name in ("torch", "transformers", "sentence_transformers", "faiss") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True, cwd=ROOT
    )
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_short_and_end_in_the_frame(page: str) -> None:
    lines = (ROOT / "pages" / f"{page}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 80
    assert lines[-1] == f'frame.show(page, "{page.title()}")'
    assert not any(word in line for line in lines for word in ("import numpy", "import duckdb", "unsafe_allow"))


def test_every_file_of_pages_is_in_the_table_of_pages() -> None:
    assert sorted(file.stem for file in (ROOT / "pages").glob("*.py")) == sorted(PAGES)


def test_a_page_is_added_by_its_file_and_one_line(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A toy page, in the table and in a folder of pages, opens in the frame and is in the navigation."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "toy.py").write_text(
        "from workbench.ui.shell import components, frame\n\n\n"
        "def page(store):\n    components.lead(f'A toy of {store.path.name}')\n\n\nframe.show(page, 'Toy')\n"
    )
    toy = navigation.Page("toy", "Toy", ":material/toys:", "Is a page one line?")
    monkeypatch.setattr(navigation, "PAGES", (toy,))
    monkeypatch.setattr(navigation, "folder", lambda: tmp_path)
    monkeypatch.setenv("WORKBENCH_WORKSPACE", str(store.path))
    at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60).run()
    assert not at.exception
    assert "A toy of a workspace" in text_of(at)
    assert "Is a page one line?" in text_of(at)
