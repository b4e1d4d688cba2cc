"""Twenty cases judged by keyboard alone, and a student trained on the verdicts, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.browser.annotator import Annotator, Pair
from tests.browser.dashboard import served
from tests.conftest import run
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


def test_twenty_cases_by_keyboard_alone_with_a_refresh_an_undo_and_a_skip(
    annotator: Annotator, workspace: Store
) -> None:
    tab = annotator
    expected: dict[Pair | None, tuple[str, int | None]] = {}
    with served(workspace.path) as address:
        tab.start(address, "Ada", "test")
        tab.press("s", until="skipped (1)")
        for number in range(20):
            if number == 10:
                tab.all_kept()
                tab.reload()
                tab.wait("10 of 24 judged by you")
            key, verdict, grade = JUDGED[number % len(JUDGED)]
            tab.press(key, until=f"{number + 1} of 24 judged by you")
            expected[tab.on_screen()] = (verdict, grade)
            if number == 14:
                tab.press("u", until="14 of 24 judged by you")
                tab.press("3", until="15 of 24 judged by you")
                expected[tab.on_screen()] = ("useful", 3)
            if number == 15:
                tab.press("f")
            seen = tab.on_screen()
            tab.press("Enter")
            assert tab.on_screen() != seen, "at once"
        assert len(expected) == 20
        tab.all_kept()
        tab.settle()  # a click while the page is drawn anew is lost
        tab.page.get_by_text("Export the annotations").click()
        tab.settle()
        with tab.page.expect_download() as download:
            tab.page.get_by_role("button", name="annotations.jsonl").click()
        lines = Path(download.value.path()).read_text("utf-8").splitlines()
        assert tab.errors == []
    rows = {(row["query_id"], row["passage_id"]): row for row in map(json.loads, lines)}
    assert {pair: (row["verdict"], row["grade"]) for pair, row in rows.items()} == expected
    assert {row["annotator"] for row in rows.values()} == {"Ada"}
    assert sum(row["flagged"] for row in rows.values()) == 1


def test_notes_tags_tabs_undo_and_help_by_the_fields_and_buttons(annotator: Annotator, workspace: Store) -> None:
    tab, page = annotator, annotator.page
    with served(workspace.path) as address:
        tab.start(address, "Ada", "test")
        first = tab.on_screen()
        tab.press("Enter", until="No verdict yet: give a grade, or skip.")
        assert tab.on_screen() == first, "Enter does not leave what nobody judged"
        page.get_by_role("textbox", name="Note").fill("2 of 3")
        page.keyboard.press("Enter")
        tab.wait("Kept: note")
        assert tab.shows("0 of 24 judged by you"), "a digit in a field is text, and a note is no verdict"
        page.keyboard.press("Escape")
        page.get_by_role("button", name="answers it").click()
        page.get_by_role("button", name="off topic").click()
        page.get_by_role("textbox", name="Another type of failure").fill("my  own")
        page.keyboard.press("Enter")
        tab.wait("Kept: tags")
        page.keyboard.press("Escape")
        (row,) = views.verdicts(workspace, latest=True)
        assert (row[:2], row.verdict, row.grade, row.note) == (first, "useful", 3, "2 of 3")
        assert row.tags == ("off topic", "my own")
        tab.press("ArrowRight")
        tab.press("s", until="skipped (1)")
        tab.all_kept()
        tab.reload()  # what was done before, only the store knows
        for words in ("skipped (0)", "Taken back"):
            tab.press("u", until=words)
            tab.all_kept()
        (row,) = views.verdicts(workspace, latest=True)
        assert (row.verdict, row.tags) == ("useful", ("off topic",)), "one tag after the other"
        tab.wait("You called it useful, grade 3")
        assert tab.on_screen() == first
        page.get_by_role("button", name="done (1)").click()
        tab.wait_for_link("tab=done")
        page.wait_for_function("document.querySelector('.annotate-tab[aria-pressed=true]').textContent === 'done (1)'")
        assert tab.on_screen() == first
        assert not tab.shows("It would mislead whoever answers from it.")
        tab.press("?", until="It would mislead whoever answers from it.")
        assert tab.errors == []


def test_the_card_and_its_keys_are_on_the_first_screen(annotator: Annotator, workspace: Store) -> None:
    annotator.page.set_viewport_size({"width": 1440, "height": 900})
    with served(workspace.path) as address:
        annotator.start(address, "Ada", "test")
        for part in (".wb-query", ".annotate-text", ".annotate-keys", ".annotate-moves", ".annotate-note"):
            box = annotator.page.locator(f".annotate {part}").first.bounding_box()
            assert box["y"] + box["height"] <= 900, part
        annotator.page.locator("h1").click()
        annotator.press("3")
        frames = """[...document.querySelectorAll('section, [data-testid="stMain"]')].filter(
            (one) => one.matches(':focus') && getComputedStyle(one).outlineStyle !== 'none').length"""
        assert annotator.page.evaluate(frames) == 0, "no focus frame across the page"


def test_a_student_learns_from_the_annotated_set_and_the_diff_shows_it(
    annotator: Annotator, workspace: Store, tmp_path: Path
) -> None:
    tab = annotator
    untrained = base(tmp_path / "untrained")
    with served(workspace.path) as address:
        tab.start(address, "Ada", "train")
        for grade in "303030":
            tab.press(grade)
            tab.press("Enter")
        tab.all_kept()
        tab.wait("6 of 24 judged by you")
        quick = ("--steps", 20, "--evaluate-every", 10, "--batch-size", 2, "--learning-rate", 0.05)
        trained = worked(
            "train", untrained, "--only", "annotated", "--name", "trained", *quick, workspace=workspace.path
        )
        assert "6 verdicts of annotators override the teacher's labels: 3 changed" in trained.out
        worked("evaluate", untrained, "trained", workspace=workspace.path)
        tab.open(f"{address}/diff?before={untrained}&after=trained&split=test")
        tab.wait(f"trained against {untrained} on nDCG@10, test:")
        assert tab.errors == []
