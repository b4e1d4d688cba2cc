"""`workbench score`: what it leaves out, what failed, and the exit code."""

from __future__ import annotations

from tests.shell import shell
from workbench.records import Candidate, Passage, Query
from workbench.store import Store


def unanswered(store: Store, *answers: str) -> None:
    """Fill a store with a query that has `answers`, and one that has none."""
    store.add_collection(
        [Query("with", "what?", answers, "test"), Query("without", "who?", (), "test")], [Passage("p", "", "that")]
    )
    store.add_candidates([Candidate("with", "p", "hand"), Candidate("without", "p", "hand")])


def test_without_answers_it_ends_with_1_and_names_another_way(empty: Store) -> None:
    unanswered(empty)
    for _ in range(2):
        printed = shell("score", workspace=empty.path)
        assert (printed.code, printed.out) == (1, "")
        assert "None of the 2 queries has a reference answer" in printed.err
        assert "workbench train --teacher qrels" in printed.err


def test_queries_without_answers_are_counted_before_it_starts(empty: Store) -> None:
    unanswered(empty, "that")
    printed = shell("score", workspace=empty.path)
    assert printed.code == 0
    assert "1 of 1 pairs" in printed.out
    assert "0 of 1 pairs; queries without a reference answer left out: 1" in printed.err.splitlines()[1]


def test_a_run_in_which_everything_failed_ends_with_1_also_the_second_time(empty: Store) -> None:
    unanswered(empty, "?!")
    for failed, before in ((1, 0), (0, 1)):
        printed = shell("score", "--json", workspace=empty.path)
        assert printed.code == 1
        result = printed.json
        assert (result["failures"], result["failed_before"]) == (failed, before)
        assert result["reasons"] == [
            {"reason": "no reference answer has a word", "pairs": 1, "query_id": "with", "passage_id": "p",
             "status": "failed", "answer": ""}
        ]  # fmt: skip
    printed = shell("score", workspace=empty.path)
    assert "0 were scored and 1 failed before" in printed.out
    assert "no reference answer has a word (1, such as query with, passage p)" in printed.out


def test_failures_are_asked_about_again_only_if_they_are_to_be_retried(empty: Store) -> None:
    unanswered(empty, "?!")
    for retry, pairs in (
        ((), 1),
        (("--retry", "refused, unreadable"), 0),
        (("--retry", "failed"), 1),
        (("--retry", "all"), 1),
    ):
        assert shell("score", "--json", *retry, workspace=empty.path).json["pairs"] == pairs
    assert "There is no status named 'fail'" in shell("score", "--retry", "fail", workspace=empty.path).err
