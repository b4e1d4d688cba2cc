"""`workbench evaluate`: rankings with and without qrels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.shell import shell, worked
from workbench.formats import write_qrels, write_run
from workbench.records import Qrel, Query
from workbench.steps.compare.evaluate import measured
from workbench.store import Store, views


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
    assert "theirs: no ranking for 1 judged query, counted as 0" in printed.err
    assert "0.500" in printed.out
    assert "theirs (imported run)" in worked("info", workspace=store.path).out
    assert "theirs (imported run)" in worked("students", workspace=store.path).out
    refused = shell("candidates", "--student", "theirs", workspace=store.path)
    assert (refused.code, "what made them is not" in refused.err) == (1, True)


def test_the_means_are_those_of_the_command_of_ir_measures_on_the_exported_files(store: Store, tmp_path: Path) -> None:
    """Of a graded collection with a query without a relevant passage, one that is not answered, and one not judged."""
    more = [Query(name, text, (), "test") for name, text in (("none", "oil"), ("unasked", "the sea"), ("mute", "salt"))]
    store.add_collection(more, (), [Qrel("none", "03", 0), Qrel("mute", "ü", 1), Qrel("q1", "p 2", 2)])
    worked("evaluate", "bm25", workspace=store.path)
    run = views.find_run(store, "bm25", "test")
    store.add_run(run, [hit for hit in views.hits(store, run) if hit.query_id != "mute"])
    # TREC files have no room for an id with a space.
    files = {kind: tmp_path / kind for kind in ("qrels", "run")}
    write_qrels([qrel._replace(passage_id=qrel.passage_id.replace(" ", "_")) for qrel in views.qrels(store, "test")],
                files["qrels"])  # fmt: skip
    ranked = {q: [(p.replace(" ", "_"), s) for p, s in of] for q, of in views.rankings(store, run).items()}
    write_run("bm25", ranked.items(), files["run"])
    evaluation = measured(store, run)
    printed = subprocess.run(
        [sys.executable, "-m", "ir_measures", *map(str, files.values()), *evaluation.measures, "-p", "6"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    theirs = dict(line.split("\t") for line in printed.splitlines())
    assert {name: f"{mean.mean:.6f}" for name, mean in evaluation.measures.items()} == theirs
    assert evaluation.counts == (4, 1, 1, False, False)
    assert evaluation.unanswered == 1
