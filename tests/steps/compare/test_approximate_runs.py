"""What an approximate index missed is known wherever its run is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.shell import worked
from tests.steps.classes import base, collection
from workbench.retrieval.index import approximate
from workbench.store import Store, views


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a workspace in which a run was searched by int8, and another exactly."""
    monkeypatch.setattr(approximate, "LEAST_PASSAGES", 2)
    store = collection(tmp_path / "ws")
    wb.evaluate(store, "bm25")
    return store


def test_recall_is_kept_with_the_run_and_shown_with_it(store: Store, tmp_path: Path) -> None:
    student = base(tmp_path / "base")
    exact = wb.evaluate(store, student)
    assert (exact.index_kind, exact.recall) == ("flat", None)
    assert "recall@10" not in exact.in_words
    evaluation = wb.evaluate(store, student, index="int8")
    run = views.find_run(store, student, "test")
    assert (run.index_kind, run.recall) == ("int8", evaluation.recall)
    assert evaluation.recall is not None
    words = f"searched by an index int8 with a recall@10 of {evaluation.recall:.3f}"
    diff = wb.diff(store, "bm25", student)
    results = (
        evaluation,
        diff,
        wb.leaderboard(store),
        wb.rank_similarity(store, "bm25", student),
        wb.compare_runs(store, ["bm25", student]),
        wb.teacher_agreement(store, student, teacher="toy"),
    )
    shown = [" ".join((one.in_words, *getattr(one, "remarks", ()))) for one in results]
    assert [words in text for text in shown] == [True] * len(shown)
    page = tmp_path / "page.html"
    printed = [
        worked("students", workspace=store.path),
        worked("diff", "bm25", student, "--html", page, workspace=store.path),
        worked("evaluate", student, "--index", "int8", workspace=store.path),
    ]
    assert [words in text.out + text.err for text in printed] == [True] * 3
    assert words in page.read_text()
    assert worked("evaluate", student, "--index=int8", "--json", workspace=store.path).json[0]["index_kind"] == "int8"


def test_where_memory_is_short_an_index_is_chosen_and_the_reason_said(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = base(tmp_path / "base")
    monkeypatch.setattr(approximate, "USUAL", "int8")
    monkeypatch.setattr(approximate.memory, "free", lambda: 2**20)
    assert wb.evaluate(store, student).index_kind == "flat"
    monkeypatch.setattr(approximate.memory, "free", lambda: 99)
    reason = "(auto: exact search reads vectors of 0 MB, and 0 MB of memory are free)"
    assert reason in wb.evaluate(store, student).in_words
    assert reason in wb.candidates(store, student, split="test").in_words


def test_the_index_is_a_setting_of_the_workspace(store: Store, tmp_path: Path) -> None:
    student = base(tmp_path / "base")
    wb.configure(store, index="int8")
    assert wb.evaluate(store, student).index_kind == "int8"
    assert wb.evaluate(store, student, index="flat").index_kind == "flat"
    with pytest.raises(wb.BadSetting, match="index is 'fast'"):
        wb.configure(store, index="fast")


def test_a_query_that_gets_another_split_takes_its_recall_along(store: Store, tmp_path: Path) -> None:
    student = base(tmp_path / "base")
    recall = wb.evaluate(store, student, index="int8").recall
    query = views.queries(store, "test")[0]
    store.add_collection([query._replace(split="dev")], replace=True)
    moved = views.find_run(store, student, "dev")
    assert (moved.index_kind, moved.recall) == ("int8", recall)
    wb.evaluate(store, student, split="dev")
    store.add_collection([query._replace(split="test")], replace=True)
    assert views.find_run(store, student, "test").recall == recall
