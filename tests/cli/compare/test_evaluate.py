"""`workbench evaluate`: rankings with and without qrels."""

from __future__ import annotations

from pathlib import Path

from tests.shell import worked


def test_ranking_queries_that_nobody_judged_says_so(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('{"query": "What is oil?", "query_id": "q", "split": "test"}')
    (tmp_path / "passages.jsonl").write_text('{"passage": "Oil is a liquid.", "passage_id": "p"}')
    for name in ("queries", "passages"):
        worked("ingest", "table", str(tmp_path / f"{name}.jsonl"), workspace=tmp_path / "new")
    printed = worked("evaluate", "bm25", workspace=tmp_path / "new")
    assert "none of them is judged" in printed.out
