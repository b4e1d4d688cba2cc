"""The page Overview: where a workspace stands, and a next step that works."""

from __future__ import annotations

import pytest

from tests.ui.copied import printed_lines
from tests.ui.pages import Visit, text_of
from workbench.records import Candidate, Passage, Qrel, Query
from workbench.store import Store


def fill(store: Store, splits: tuple[str, ...], *answers: str) -> None:
    """Fill a store with a query a split, each with a passage of its own that is relevant and a candidate."""
    store.add_collection(
        [Query(f"q{split}", f"what is {split}?", answers, split) for split in splits],
        [Passage(f"p{split}", "", f"{split} is that") for split in splits],
        [Qrel(f"q{split}", f"p{split}", 1) for split in splits],
    )
    store.add_candidates(Candidate(f"q{split}", f"p{split}", "hand") for split in splits)


@pytest.mark.parametrize(
    ("splits", "answers", "line"),
    [(("train", "dev", "test"), ("that",), "score"), (("train", "dev", "test"), (), "train --teacher qrels"),
     (("test",), ("that",), "split --by passages"), ((), (), "ingest beir FOLDER")],
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
