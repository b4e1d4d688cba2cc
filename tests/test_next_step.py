"""What the program suggests works: the printed commands, run one after another, lead to a trained student."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

import workbench as wb
from tests import tiny
from tests.conftest import utility
from tests.shell import Printed, shell, worked
from tests.small_sample import small_sample, small_vocabulary
from workbench import hub
from workbench.formats.beir import write_beir
from workbench.records import Candidate, Passage, Qrel, Query
from workbench.steps.data.next_step import next_command
from workbench.store import Store


def _test_only(folder: Path, *, answers: bool) -> Path:
    """Write a BEIR folder of which all queries are of the test split, several about each passage."""
    sample = small_sample()
    queries = [query._replace(split="test", answers=query.answers if answers else ()) for query in sample.queries]
    write_beir(queries, sample.passages, sample.qrels, folder)
    return folder


def _suggested(printed: Printed) -> list[str]:
    """Return the arguments of the one command that is printed as the next."""
    (line,) = re.findall(r"^Next: workbench (.*)$", printed.err, flags=re.MULTILINE)
    return shlex.split(line)


@pytest.fixture
def small_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a base of some kilobytes, which knows the words of the sample, in the place of all-MiniLM-L6-v2."""
    folder = tiny.bert(tmp_path / "base", words=small_vocabulary())
    monkeypatch.setattr(hub, "packaged", lambda: folder)


@pytest.mark.slow
@pytest.mark.usefixtures("small_base")
@pytest.mark.parametrize(
    ("answers", "verbs"),
    [
        (True, ["split", "candidates", "score", "train", "evaluate", "diff"]),
        (False, ["split", "train", "evaluate", "diff"]),
    ],
)
def test_printed_commands_lead_from_test_queries_to_a_student(tmp_path: Path, answers: bool, verbs: list[str]) -> None:
    workspace = tmp_path / "a workspace"
    printed = worked("ingest", "beir", _test_only(tmp_path / "files", answers=answers), workspace=workspace)
    walked = []
    for _ in verbs:
        arguments = _suggested(printed)
        assert arguments[:2] == ["--workspace", str(workspace)]
        walked.append(arguments[2])
        printed = worked(*arguments)
        if walked[-1] == "split":
            assert wb.leaks(Store(workspace)).of == {}
    assert walked == verbs
    assert "against" in printed.out
    assert "Next" not in printed.err
    assert len(wb.views.runs(Store(workspace), "test")) == 2


def _fill(store: Store, splits: str, *, answers: bool = True, judged: bool = True) -> Store:
    """Give a store a query for each letter of `splits` (t, d, e for test, - for none), each with its own passage."""
    names = {"t": "train", "d": "dev", "e": "test", "-": ""}
    ids = [f"{row}" for row in range(len(splits))]
    store.add_collection(
        [
            Query(row, f"question{row}", ("yes",) if answers else (), names[split])
            for row, split in zip(ids, splits, strict=True)
        ],
        [Passage(row, "", f"text{row}") for row in ids],
        [Qrel(row, row, 1) for row in ids] if judged else [],
    )
    return store


@pytest.mark.parametrize(
    ("splits", "command"),
    [
        ("", ["ingest", "beir", "FOLDER"]),
        ("---", ["split", "--by", "passages"]),
        ("ttt", ["split", "--by", "passages"]),
        ("eee", ["split", "--by", "passages"]),
        ("e", ["ingest", "beir", "FOLDER"]),  # a split cannot help
        ("te", ["ingest", "beir", "FOLDER"]),
        ("teee", ["split", "--by", "passages"]),
        ("tttde", ["candidates"]),
        ("ttte", ["split", "--by", "passages", "--keep", "test"]),
        ("tttd", ["split", "--by", "passages", "--keep", "dev"]),
        ("ddde", ["split", "--by", "passages", "--keep", "test"]),
    ],
)
def test_a_missing_split_is_asked_for_and_can_be_had(empty: Store, splits: str, command: list[str]) -> None:
    assert next_command(_fill(empty, splits)) == command
    if command[0] == "split":
        worked(*command, workspace=empty.path)
        assert next_command(empty) == ["candidates"]


def test_too_few_judged_queries_to_split_ask_for_more(empty: Store) -> None:
    store = _fill(empty, "eeee", judged=False)
    store.add_collection(qrels=[Qrel("0", "0", 1)])
    assert next_command(store) == ["ingest", "qrels", "FILE"]
    with pytest.raises(wb.NothingToDo) as error:
        wb.split(store)
    assert "3 splits need as many queries with a relevant passage: ingest more of them." in str(error.value)


def test_without_qrels_or_answers_the_suggestion_differs(tmp_path: Path) -> None:
    without_qrels = _fill(Store(tmp_path / "a", create=True), "tttde", judged=False)
    assert next_command(without_qrels) == ["ingest", "qrels", "FILE"]
    without_answers = _fill(Store(tmp_path / "b", create=True), "tttde", answers=False)
    assert next_command(without_answers) == ["train", "--teacher", "qrels"]
    for arguments in (["score", "--split", "nowhere"], ["train", "--teacher", "likelihood"]):
        assert shell(*arguments, workspace=without_answers.path).code == 1
    assert "`workbench train --teacher qrels`" in shell("train", workspace=without_answers.path).err


def test_utilities_lead_to_a_training_with_the_teacher_who_has_most(empty: Store) -> None:
    store = _fill(empty, "tttde")
    store.add_candidates([Candidate("0", "0", "bm25"), Candidate("1", "1", "bm25")])
    assert next_command(store) == ["score"]
    store.add_scored([utility("4", "4", 1.0)])
    assert next_command(store) == ["score"]
    store.add_scored([utility("0", "0", 1.0, "a"), utility("0", "0", 1.0, "-b"), utility("1", "1", 1.0, "-b")])
    assert next_command(store) == ["train", "--teacher=-b"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["train"],
        ["train", "--teacher", "qrels"],
        ["score", "--split", "train"],
        ["candidates", "--split", "dev"],
        ["evaluate", "bm25", "--split", "train"],
    ],
)
def test_whoever_asks_for_an_empty_split_is_told_how_to_fill_it(empty: Store, arguments: list[str]) -> None:
    store = _fill(empty, "eeeee")
    store.add_candidates([Candidate("0", "0", "bm25")])
    store.add_scored([utility("0", "0", 1.0)])
    refused = shell(*arguments, workspace=store.path)
    assert refused.code == 1
    assert "`workbench split --by passages`" in refused.err


def test_a_student_of_before_the_split_is_trained_anew(empty: Store) -> None:
    store = _fill(empty, "tttttddeee")
    folder = store.students / "s"
    folder.mkdir(parents=True)
    created = datetime.now(UTC).isoformat(timespec="microseconds")
    (folder / "student.json").write_text(f'{{"name": "s", "base": "-b", "teacher": "t", "created": "{created}"}}')
    assert next_command(store) == ["evaluate", "--", "-b", "s"]
    wb.split(store, by="passages", seed=2)
    assert next_command(store) == ["candidates"]
