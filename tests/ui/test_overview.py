"""The page Overview: where a workspace stands, and a next step that works."""

from __future__ import annotations

import pytest

from tests.ui.copied import printed_lines, run_line
from tests.ui.pages import Visit, button, text_of
from workbench import jobs
from workbench.records import Candidate, Passage, Qrel, Query
from workbench.store import Store


def fill(store: Store, splits: tuple[str, ...], *answers: str) -> None:
    """Fill a store with a query for each split named, each with a passage of its own that is relevant, a candidate."""
    store.add_collection(
        [Query(f"q{n}", f"what is {split} {n}?", answers, split) for n, split in enumerate(splits)],
        [Passage(f"p{n}", "", f"{split} {n} is that") for n, split in enumerate(splits)],
        [Qrel(f"q{n}", f"p{n}", 1) for n in range(len(splits))],
    )
    store.add_candidates(Candidate(f"q{n}", f"p{n}", "hand") for n in range(len(splits)))


@pytest.mark.parametrize(
    ("splits", "answers", "line"),
    [(("train", "dev", "test"), ("that",), "score"), (("train", "dev", "test"), (), "train --teacher qrels"),
     (("test",) * 3, ("that",), "split --by passages"), (("test",), ("that",), "ingest beir FOLDER"),
     ((), (), "ingest beir FOLDER")],
)  # fmt: skip
def test_the_next_step_is_one_that_can_be_taken(
    empty: Store, visit: Visit, splits: tuple[str, ...], answers: tuple[str, ...], line: str
) -> None:
    fill(empty, splits, *answers)
    at = visit(empty, "overview")
    assert f"Next: {line.split(maxsplit=1)[0]}" in text_of(at)
    assert printed_lines(at)[0].endswith(f" {line}")


def test_without_answers_no_page_asks_for_scores(empty: Store, visit: Visit) -> None:
    fill(empty, ("train", "dev", "test"))
    lines = printed_lines(visit(empty, "utility"))
    assert any(line.endswith("train --teacher qrels") for line in lines)
    assert not any(" score " in line for line in lines)
    assert not any(" score " in line for line in printed_lines(visit(empty, "overview")))


def test_data_is_exported_by_the_line_that_is_shown_and_can_be_downloaded(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, arguments: started.append(arguments))
    at = visit(store, "overview")
    at.selectbox(key="export-kind").set_value("utilities").run()
    at.segmented_control(key="export-ending-utilities").set_value(".csv").run()
    line = next(line for line in printed_lines(at) if " export utilities " in line)
    button(at, "Export").click().run()
    assert not at.exception
    assert started == [["export", "utilities", str(store.exports / "utilities.csv"), "--teacher", "toy"]]
    assert run_line(line)["rows"] == 8
    at = visit(store, "overview")
    at.selectbox(key="export-kind").set_value("utilities").run()
    assert any(element.proto.label == "Download utilities.csv" for element in at.get("download_button"))
    at.segmented_control(key="export-ending-utilities").set_value(".csv").run()
    assert any("utilities-2.csv" in line for line in printed_lines(at)), "no export takes the place of another"
