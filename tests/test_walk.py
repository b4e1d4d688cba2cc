"""The walk, from files to files, through the shell, on a cut of the bundled sample."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformer

from tests import tiny
from tests.shell import Printed, worked
from tests.small_sample import PASSAGES_A_SPLIT, small_sample, write_small_sample
from workbench.formats import Collection
from workbench.store import Store, views

TRAINING = ["--steps", 40, "--evaluate-every", 10, "--batch-size", 8, "--candidates", 6, "--patience", 0]


@pytest.fixture(scope="module")
def cut() -> Collection:
    return small_sample()


@pytest.fixture(scope="module")
def base(cut: Collection, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a base model that knows the cut's words and nothing about them; return the student made of its table."""
    texts = [query.text for query in cut.queries] + [passage.content for passage in cut.passages]
    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]+", text.lower())})
    return f"static:{tiny.bert(tmp_path_factory.mktemp('models') / 'base', words=words)}"


def test_from_files_to_files(cut: Collection, base: str, tmp_path: Path) -> None:
    write_small_sample(tmp_path / "files")
    workspace = tmp_path / "ws"

    def say(*arguments: object) -> Printed:
        return worked(*arguments, workspace=workspace)

    # ingest
    assert "Nothing was written" in say("ingest", "beir", tmp_path / "files", "--preview").err
    added = say("ingest", "beir", tmp_path / "files", "--json").json["added"]
    assert (added["queries"], added["passages"]) == (len(cut.queries), 3 * PASSAGES_A_SPLIT)
    known = len(cut.queries) + len(cut.passages) + len(cut.qrels)
    assert f"{known} rows were there already" in say("ingest", "beir", tmp_path / "files").out

    # candidates, score
    assert say("candidates", "--student", base, "--depth", 5, "--json").json["queries"] == len(cut.queries)
    scored = say("score", "--teacher", "lexical", "--json").json
    assert (scored["remaining"], scored["failures"], scored["queries"]) == (0, 0, len(cut.queries))
    assert say("score", "--teacher", "lexical", "--json").json["pairs"] == 0
    teacher = say("info", "--json").json["teachers"][0]
    assert teacher["relevant_first"] > 0.6 * teacher["judged"]

    # train
    trained = say("train", base, *TRAINING, "--learning-rate", 0.05, "--json").json
    student, outcome = trained["student"], trained["trained"]
    assert (outcome["steps"], outcome["stopped"]) == (40, "budget")
    assert outcome["dev_after"] >= outcome["dev_before"] > 0
    assert SentenceTransformer(trained["path"], device="cpu").encode("What?").shape == (16,)
    assert [one["student"] for one in say("students", "--json").json["students"]] == [base, student]

    # evaluate, diff
    found = {each["student"]: each["measures"] for each in say("evaluate", "bm25", base, student, "--json").json}
    assert found.keys() == {"bm25", base, student}
    assert found["bm25"]["nDCG@10"]["mean"] > 0.7 > found[base]["nDCG@10"]["mean"] > 0
    compared = say("diff", base, student, "--json").json
    _check_diff(compared["diff"], found[base], found[student])
    assert compared["summary"] in say("diff", base, student).out

    # cases, annotate
    cases = say("cases", student, "--before", base, "--json").json
    assert {rule for case in cases for rule in case["rules"]} <= set(views.RULES)
    case = max(cases, key=lambda case: case["strength"])
    said = say("annotate", case["query_id"], case["passage_id"], "useful", "--annotator", "ada", "--note", case["why"])
    assert said.out == f"ada: {case['passage_id']} is useful for {case['query_id']}\n"

    # export
    _check_exports(say, tmp_path / "out", student, case)
    _check_what_is_held(Store(workspace), student)


def _check_diff(found: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    """Check a diff against the measures of the two runs it compares."""
    changes = [delta["after"] - delta["before"] for delta in found["deltas"]]
    assert changes == sorted(changes)
    assert (found["stale"], found["unanswered"]) == ([], 0)
    assert sum(changes) / len(changes) == pytest.approx(after["nDCG@10"]["mean"] - before["nDCG@10"]["mean"])
    for compared in found["comparisons"]:
        assert compared["before"] == before[compared["measure"]]
        assert compared["after"] == after[compared["measure"]]


def _check_exports(say: Any, folder: Path, student: str, case: dict[str, Any]) -> None:
    say("export", "annotations", folder / "cases.jsonl")
    (kept,) = [json.loads(line) for line in (folder / "cases.jsonl").read_text("utf-8").splitlines()]
    assert (kept["query_id"], kept["passage_id"], kept["note"]) == (case["query_id"], case["passage_id"], case["why"])
    assert kept["ranks"][student] == case["after"]
    assert list(kept["utilities"].values()) == [pytest.approx(case["utility"])]
    say("export", "annotations", folder / "cases.csv")
    with (folder / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["passage_id"] for row in csv.DictReader(file)] == [case["passage_id"]]
    run = say("export", "run", folder / "test.run", "--student", "bm25", "--json").json
    assert run["rows"] == len((folder / "test.run").read_text("utf-8").splitlines()) > 100
    qrels = say("export", "qrels", folder / "test.qrels", "--json").json
    said = json.loads(Path(qrels["manifest"]).read_text("utf-8"))
    assert (said["rows"], said["filters"]) == (qrels["rows"], {"split": "test"})
    assert student in said["students"]


def _check_what_is_held(store: Store, student: str) -> None:
    assert {run.student for run in views.runs(store, "test")} >= {"bm25", student}
    assert views.counts(store).annotations == 1
    assert not list(store.students.glob(".*"))
    ranked = views.hits(store, views.find_run(store, student, "test"))
    assert len({(hit.query_id, hit.rank) for hit in ranked}) == len(ranked)
