"""What commands print: JSON that is JSON, and texts as texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from tests import tiny
from tests.shell import shell, worked
from tests.steps.classes import base, collection
from workbench import jobs, students
from workbench.cli.app import app
from workbench.formats.beir import write_beir
from workbench.records import Passage, Qrel, Query
from workbench.steps.annotate.annotate import annotate
from workbench.store import Store, views

TREE: Any = typer.main.get_command(app)


@pytest.fixture
def full(store: Store) -> Store:
    """Return the toy workspace with a trained student and an ended job."""
    outcome = {"measure": "nDCG@10", "dev_before": 0.25, "dev_after": 0.5, "steps": 3, "best_step": 2}
    student = students.Student(
        "mine", store.students / "mine", "base", {"kind": "lora", "teacher": "toy", "loss": "kl", "outcome": outcome}
    )
    students.save(tiny.static(), student)
    (store.jobs / "20260101-000000-abcd").mkdir(parents=True)
    jobs._write(
        store.jobs / "20260101-000000-abcd" / "job.json",
        {"arguments": ["train", "x"], "started": "2026-01-01T00:00:00+00:00", "pid": 2**22 + 7, "created": 0.0},
    )
    (store.jobs / "20260101-000000-abcd" / "log.txt").write_text("first line\nlast line\n")
    return store


def test_info_says_all_that_is_there(full: Store) -> None:
    info = worked("info", "--json", workspace=full.path).json
    assert info["counts"]["queries"] == 4
    assert [split["split"] for split in info["counts"]["splits"]] == ["train", "dev", "test"]
    assert [(teacher["teacher"], teacher["pairs"]) for teacher in info["teachers"]] == [("toy", 8)]
    assert [run["student"] for run in info["runs"]] == ["after", "before"]
    printed = worked("info", workspace=full.path).out
    assert "4 passages, 4 queries, 4 qrels" in printed
    assert "toy" in printed


def test_diff_says_the_same_in_words_and_in_json(store: Store) -> None:
    as_json = worked("diff", "before", "after", "--measure", "R@1", "--json", workspace=store.path)
    assert as_json.err == f"workspace {store.path}\n"
    assert as_json.json["diff"]["deltas"][0] == {
        "query_id": "http://q/2?x=1", "text": "Where do rivers run?", "before": 1.0, "after": 0.0, "missing": "",
        "tags": [],
    }  # fmt: skip
    printed = worked("diff", "before", "after", "--measure", "R@1", workspace=store.path)
    assert printed.out.startswith(as_json.json["summary"])
    assert "1 better, 1 worse" in printed.out
    assert printed.out.index("Got worse") < printed.out.index("Where do rivers run?") < printed.out.index("Got better")
    assert "Stale: before, after" in printed.err


def test_cases_students_and_jobs_as_json(full: Store) -> None:
    cases = worked("cases", "before", "--set", "far=2", "--json", workspace=full.path).json
    assert {"rules", "query_id", "passage_id", "why", "utility", "after"} <= cases[0].keys()
    only = worked("cases", "before", "--set", "far=2", "--rule", "useful but far", "--json", workspace=full.path).json
    assert only == [case for case in cases if "useful but far" in case["rules"]] != []
    printed = worked("students", "--json", workspace=full.path).json
    assert [(one["student"], one["dev_after"]) for one in printed["students"]] == [
        ("after", None), ("before", None), ("base", None), ("mine", 0.5)
    ]  # fmt: skip
    assert printed["recipes"][0]["not_evaluated"] in printed["summary"]
    (job,) = worked("jobs", "--json", workspace=full.path).json
    assert (job["state"], job["arguments"]) == ("lost", ["train", "x"])
    assert worked("jobs", "--log", job["job_id"], "--json", workspace=full.path).json["log"] == "first line\nlast line"


def test_the_same_for_people(full: Store) -> None:
    listed = worked("students", workspace=full.path).out
    assert "nDCG@10 0.250 → 0.500" in listed
    assert "useful but far: 1" in worked("cases", "before", "--set", "far=2", workspace=full.path).out
    assert "lost" in worked("jobs", workspace=full.path).out
    assert worked("jobs", "--log", "20260101-000000-abcd", workspace=full.path).out == "first line\nlast line\n"


def test_every_command_that_promises_json_prints_nothing_else(tmp_path: Path) -> None:
    store, student = collection(tmp_path / "ws"), base(tmp_path / "base")
    annotate(store, "test0", "p0-0", "useful")
    write_beir([Query("new", "question0")], [Passage("new", "", "answer0")], [], tmp_path / "beir")
    quick = ["--steps", 2, "--evaluate-every", 1, "--batch-size", 2]
    calls: list[list[object]] = [
        ["ingest", "beir", tmp_path / "beir", "--preview"],
        ["ingest", "beir", tmp_path / "beir"],
        ["candidates", "--student", student, "--depth", 2],
        ["score", "--teacher", "lexical", "--split", "dev"],
        ["train", student, "--teacher", "toy", *quick],
        ["sweep", student, "--teacher", "toy", "--grid", "loss=kl", "--split", "none", "--steps", 2],
        ["evaluate", "bm25", student],
        ["diff", student, student],
        ["cases", "bm25", "--teacher", "toy"],
        ["annotate", "test0", "p0-0", "unsure"],
        ["agreement"],
        ["export", "annotations", tmp_path / "cases.jsonl"],
        ["info"],
        ["students"],
        ["jobs"],
        ["snapshot", tmp_path / "copy.duckdb"],
        ["export-student", student, tmp_path / "exported"],
    ]
    promised = {
        name for name, command in TREE.commands.items() if "--json" in [o for p in command.params for o in p.opts]
    }
    # push is tested where there is a hub for it.
    assert promised - {"push"} == {str(call[0]) for call in calls}
    for call in calls:
        printed = worked(*call, "--json", workspace=store.path)
        assert isinstance(printed.json, dict | list), call


NASTY = ["[red]x[/]", "[/]", ":smile:", "a\\", "\\[bold]", "[link=http://x]y[/link]", "{x}", "%s", "=1", "ü☃"]


def test_ids_and_texts_are_printed_as_they_are(tmp_path: Path) -> None:
    store = Store(tmp_path / "ws", create=True)
    write_beir(
        [Query(text, f"{text} what", (text,), "test") for text in NASTY],
        [Passage(text, text, f"{text} salt") for text in NASTY],
        [Qrel(text, NASTY[0], 1) for text in NASTY],
        tmp_path / "beir",
    )
    preview = worked("ingest", "beir", tmp_path / "beir", "--preview", workspace=store.path).out
    assert all(f"{text} what" in preview and f"{text} salt" in preview for text in NASTY[:3])
    worked("ingest", "beir", tmp_path / "beir", workspace=store.path)
    for text in NASTY:
        printed = worked("annotate", text, text, "useful", "--annotator", text, workspace=store.path)
        assert printed.out == f"{text}: {text} is useful for {text}\n"
        refused = shell("annotate", text, f"{text}?", "useful", workspace=store.path)
        assert f"Error There is no passage named {f'{text}?'!r}." in refused.err
    first, last = tmp_path / "first.run", tmp_path / "last.run"
    first.write_text("".join(f"{text} Q0 {NASTY[0]} 1 0.5 :cat:[b]\n" for text in NASTY))
    last.write_text("".join(f"{text} Q0 {NASTY[1]} 1 0.5 [/]\\\n" for text in NASTY))
    for run in (first, last):
        worked("ingest", "run", run, workspace=store.path)
    printed = worked("diff", ":cat:[b]", "[/]\\", "--show", 20, workspace=store.path)
    assert printed.out.startswith("[/]\\ against :cat:[b] on nDCG@10")
    assert all(f"{text} what" in printed.out for text in NASTY)


def test_a_terminal_is_not_told_what_to_do_by_a_text(store: Store, tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    write_beir([Query("q5", f"hello {evil}", (), "test")], [Passage("p5", evil, "x")], [], tmp_path / "beir")
    worked("ingest", "beir", tmp_path / "beir", workspace=store.path)
    for printed in (
        worked("ingest", "beir", tmp_path / "beir", "--preview", workspace=store.path),
        shell("annotate", "q5", evil, "useful", workspace=store.path),
        worked("annotate", "q5", "03", "useful", "--annotator", evil, workspace=store.path),
    ):
        assert not set("\x1b\x07\x9b") & set(printed.out + printed.err)
    assert "␛[2J" in worked("annotate", "q5", "03", "useful", "--annotator", evil, workspace=store.path).out
    assert views.verdicts(store)[-1].annotator == evil
