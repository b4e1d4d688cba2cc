"""`workbench evaluate`: rankings with and without qrels."""

from __future__ import annotations

from pathlib import Path

from tests.shell import shell, worked
from workbench.store import Store


def test_ranking_queries_that_nobody_judged_says_so(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('{"query": "What is oil?", "query_id": "q", "split": "test"}')
    (tmp_path / "passages.jsonl").write_text('{"passage": "Oil is a liquid.", "passage_id": "p"}')
    for name in ("queries", "passages"):
        worked("ingest", "table", str(tmp_path / f"{name}.jsonl"), workspace=tmp_path / "new")
    printed = worked("evaluate", "bm25", workspace=tmp_path / "new")
    assert "none of them is judged" in printed.out


def test_an_imported_run_is_measured_as_it_is(store: Store, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("q1 Q0 p/1 1 2.5 theirs\n")
    worked("ingest", "run", str(tmp_path / "run"), workspace=store.path)
    printed = worked("evaluate", "theirs", workspace=store.path)
    assert "theirs: imported run, measured as it is" in printed.err
    assert "0.500" in printed.out
    assert "theirs (imported run)" in worked("students", workspace=store.path).out
    refused = shell("candidates", "--student", "theirs", workspace=store.path)
    assert (refused.code, "what made them is not" in refused.err) == (1, True)
