"""What commands print: JSON that is JSON, and texts as texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from tests.shell import shell, worked
from tests.steps.classes import base, collection
from workbench.cli.app import app
from workbench.formats.beir import write_beir
from workbench.records import Passage, Qrel, Query
from workbench.steps.annotate.annotate import annotate
from workbench.store import Store, views

TREE: Any = typer.main.get_command(app)


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
        ["reading", "lexical", "--definition", "sum"],
        ["combine", "toy", "lexical"],
        ["health", "toy"],
        ["latency", "bm25", "--queries", 1],
        ["learning-curve", student, "--teacher", "toy", "--sizes", "4,8", "--set", "steps=2"],
        ["train", student, "--teacher", "toy", "--name", "first", *quick],
        ["sweep", student, "--teacher", "toy", "--grid", "loss=kl", "--split", "none", "--steps", 2],
        ["evaluate", "bm25", student],
        ["rerank", "bm25", "--teacher", "lexical"],
        ["diff", student, student],
        ["cases", "bm25", "--teacher", "toy"],
        ["annotate", "test0", "p0-0", "unsure"],
        ["agreement"],
        ["export", "annotations", tmp_path / "cases.jsonl"],
        ["info"],
        ["leaks"],
        ["settings"],
        ["students"],
        ["jobs"],
        ["snapshot", tmp_path / "copy.duckdb"],
        ["export-student", student, tmp_path / "exported"],
        ["split"],
        ["backup", tmp_path / "backup.tar"],
        ["compact"],
        ["project", student],
        ["search", "question0", "--student", "bm25"],
        ["doctor"],
        ["student", "first", "--note", "a first one"],
    ]
    promised = {
        name for name, command in TREE.commands.items() if "--json" in [o for p in command.params for o in p.opts]
    }
    # push and read are tested where there is a hub and a reader for them, restore with the workspace that it makes.
    assert promised - {"push", "read", "restore"} == {str(call[0]) for call in calls}
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
