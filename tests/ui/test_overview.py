"""The page Overview: where a workspace stands, and a next step that works."""

from __future__ import annotations

import pytest

from tests.ui.copied import printed_lines
from tests.ui.pages import Visit, text_of
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
