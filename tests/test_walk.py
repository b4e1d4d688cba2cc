"""The walk, from files to files, through the shell, on a cut of the bundled sample."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer

from tests import tiny
from tests.shell import Printed, worked
from tests.small_sample import PASSAGES_A_SPLIT, small_sample, small_vocabulary, write_small_sample
from workbench.formats import Collection
from workbench.store import Store, views

pytestmark = pytest.mark.slow

TRAINING = ["--steps", 40, "--evaluate-every", 10, "--batch-size", 8, "--candidates", 6, "--patience", 0]


@pytest.fixture(scope="module")
def cut() -> Collection:
    return small_sample()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a base model that knows the cut's words and nothing about them; return the student made of its table."""
    return f"static:{tiny.bert(tmp_path_factory.mktemp('models') / 'base', words=small_vocabulary())}"


def test_from_files_to_files(cut: Collection, base: str, tmp_path: Path) -> None:
    write_small_sample(tmp_path / "files")
    workspace = tmp_path / "ws"

    def call(*arguments: object) -> Printed:
        return worked(*arguments, workspace=workspace)

    # ingest
    assert "Nothing was written" in call("ingest", "beir", tmp_path / "files", "--preview").err
    added = call("ingest", "beir", tmp_path / "files", "--json").json["added"]
    assert (added["queries"], added["passages"]) == (len(cut.queries), 3 * PASSAGES_A_SPLIT)
    known = len(cut.queries) + len(cut.passages) + len(cut.qrels)
    assert f"{known} rows were there already" in call("ingest", "beir", tmp_path / "files").out

    # candidates, score
    assert call("candidates", "--student", base, "--depth", 5, "--json").json["queries"] == len(cut.queries)
    scored = call("score", "--teacher", "lexical", "--json").json
    assert (scored["remaining"], scored["failures"], scored["queries"]) == (0, 0, len(cut.queries))
    assert call("score", "--teacher", "lexical", "--json").json["pairs"] == 0
    teacher = call("info", "--json").json["teachers"][0]
    assert teacher["relevant_first"] > 0.6 * teacher["judged"]

    # train
    trained = call("train", base, *TRAINING, "--learning-rate", 0.05, "--json").json
    student, outcome = trained["student"], trained["trained"]
    assert (outcome["steps"], outcome["stopped"]) == (40, "budget")
    assert outcome["dev_after"] >= outcome["dev_before"] > 0
    assert SentenceTransformer(trained["path"], device="cpu").encode("What?").shape == (16,)
    assert [one["student"] for one in call("students", "--json").json["students"]] == [base, student]

    # evaluate, diff
    evaluations = call("evaluate", "bm25", base, student, "--json").json
    measures = {evaluation["student"]: evaluation["measures"] for evaluation in evaluations}
    assert measures.keys() == {"bm25", base, student}
    assert measures["bm25"]["nDCG@10"]["mean"] > 0.7 > measures[base]["nDCG@10"]["mean"] > 0
    compared = call("diff", base, student, "--json").json
    _check_diff(compared["diff"], measures[base], measures[student])
    assert compared["summary"] in call("diff", base, student).out

    # cases, annotate
    cases = call("cases", student, "--before", base, "--json").json
    assert {rule for case in cases for rule in case["rules"]} <= set(views.RULES)
    case = max(cases, key=lambda case: case["strength"])
    annotation = call(
        "annotate", case["query_id"], case["passage_id"], "useful", "--annotator", "ada", "--note", case["why"]
    )
    assert annotation.out == f"ada: {case['passage_id']} is useful for {case['query_id']}\n"

    # export
    _check_exports(call, tmp_path / "out", student, case)
    _check_what_is_held(Store(workspace), student)


def _check_diff(diff: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    """Check a diff against the measures of the two runs it compares."""
    changes = [delta["after"] - delta["before"] for delta in diff["deltas"]]
    assert changes == sorted(changes)
    assert (diff["stale"], diff["unanswered"]) == ([], 0)
    assert sum(changes) / len(changes) == pytest.approx(after["nDCG@10"]["mean"] - before["nDCG@10"]["mean"])
    for compared in diff["comparisons"]:
        assert compared["before"] == before[compared["measure"]]
        assert compared["after"] == after[compared["measure"]]


def _check_exports(call: Any, folder: Path, student: str, case: dict[str, Any]) -> None:
    call("export", "annotations", folder / "cases.jsonl")
    (exported,) = [json.loads(line) for line in (folder / "cases.jsonl").read_text("utf-8").splitlines()]
    assert (exported["query_id"], exported["passage_id"], exported["note"]) == (
        case["query_id"],
        case["passage_id"],
        case["why"],
    )
    assert exported["ranks"][student] == case["after"]
    assert list(exported["utilities"].values()) == [pytest.approx(case["utility"])]
    call("export", "annotations", folder / "cases.csv")
    with (folder / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["passage_id"] for row in csv.DictReader(file)] == [case["passage_id"]]
    run = call("export", "run", folder / "test.run", "--student", "bm25", "--json").json
    assert run["rows"] == len((folder / "test.run").read_text("utf-8").splitlines()) > 100
    qrels = call("export", "qrels", folder / "test.qrels", "--json").json
    manifest = json.loads(Path(qrels["manifest"]).read_text("utf-8"))
    assert (manifest["rows"], manifest["filters"]) == (qrels["rows"], {"split": "test"})
    assert student in manifest["students"]


def _check_what_is_held(store: Store, student: str) -> None:
    assert {run.student for run in views.runs(store, "test")} >= {"bm25", student}
    assert views.counts(store).annotations == 1
    assert not list(store.students.glob(".*"))
    ranked = views.hits(store, views.find_run(store, student, "test"))
    assert len({(hit.query_id, hit.rank) for hit in ranked}) == len(ranked)
