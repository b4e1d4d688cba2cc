"""Ids that begin with a dash work in every command that takes one, and in every line that a page or an error prints."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import utility
from tests.shell import shell, worked
from tests.test_commands import ODD, OTHER, parsed
from tests.ui.copied import printed_lines
from tests.ui.pages import Visit, trained_student
from workbench.records import Annotation, Hit, Passage, Qrel, Query, Run
from workbench.store import Store, views


@pytest.fixture
def odd(empty: Store) -> Store:
    """Return a workspace where whatever has an id or a name has one that begins with a dash."""
    queries, passages = (ODD, "q2"), (ODD, OTHER, "p3")
    empty.add_collection(
        [Query(query, "what is salt?", ("salt",), "test") for query in queries],
        [Passage(passage, "", f"salt {passage}") for passage in passages],
        [Qrel(query, ODD, 1) for query in queries],
    )
    for teacher in (ODD, OTHER):
        empty.add_scored(
            [
                utility(query, passage, place - 1.0, teacher)
                for query in queries
                for place, passage in enumerate(passages)
            ],
            "nats per token",
        )
    for student, ranked in ((ODD, passages), (OTHER, passages[::-1])):
        run = Run(f"{student}@test", student, "test", 3, "c0ffee", datetime(2026, 1, 1, tzinfo=UTC))
        hits = [
            Hit(run.run, query, passage, rank, 1 / rank)
            for query in queries
            for rank, passage in enumerate(ranked, start=1)
        ]
        empty.add_run(run, hits)
    return empty


def test_every_command_that_takes_an_id_takes_this_one(odd: Store, tmp_path: Path) -> None:
    for arguments in (
        ["annotate", f"--annotator={ODD}", "--", ODD, OTHER, "useful"],
        ["annotate", f"--annotator={ODD}", "--undo"],
        ["agreement", f"--teacher={ODD}", f"--before={OTHER}", "--", ODD],
        ["diff", f"--teacher={ODD}", "--html", tmp_path / "diff.html", "--", ODD, OTHER],
        ["diff", f"--words={ODD}", "--", ODD, OTHER],
        ["cases", f"--teacher={ODD}", f"--before={OTHER}", "--", ODD],
        ["export", "triplets", tmp_path / "a.jsonl", f"--teacher={ODD}", "--split", "test"],
        ["evaluate", "--", "bm25"],
    ):
        assert worked(*arguments, workspace=odd.path).out
    (annotation,) = [row for row in views.verdicts(odd) if row.verdict == "useful"]
    assert annotation[:3] == (ODD, OTHER, ODD)


def test_the_command_that_an_error_names_is_read_as_it_is_meant(odd: Store) -> None:
    refused = shell("diff", "--split", "dev", "--", ODD, OTHER, workspace=odd.path)
    (suggested,) = [text for text in refused.err.split("`") if text.startswith("workbench ")]
    assert parsed(shlex.split(suggested)[1:])["student"] == [ODD]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["utility", "diff", "annotate", "students", "overview", "train"])
def test_the_lines_of_the_pages_run(odd: Store, visit: Visit, page: str) -> None:
    trained_student(odd, "-new'", 1, 0.6)
    odd.add_annotations(
        [Annotation(ODD, ODD, name, verdict, "", "", datetime(2026, 1, day, tzinfo=UTC))
         for day, (name, verdict) in enumerate((("-a'", "useful"), ("-b", "useless")), start=1)]  # type: ignore[arg-type]
    )  # fmt: skip
    chosen = {"before": ODD, "after": OTHER} if page == "diff" else {"student": "-new'" if page == "students" else ODD}
    lines = printed_lines(visit(odd, page, teacher=ODD, **chosen))
    assert lines
    for printed in lines:
        _, _, _, *arguments = shlex.split(printed)
        assert parsed(arguments)
        if arguments[0] in ("cases", "agreement", "diff", "students", "info"):
            worked(*shlex.split(printed)[1:])
