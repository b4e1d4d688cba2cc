"""What is large is written in parts: the same workspace and the same words as of files that are read at once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.shell import shell, worked
from tests.small_sample import write_small_sample
from tests.trials.verbs import contents
from workbench.cli.data import ingest as command
from workbench.errors import BadInput, Conflict
from workbench.formats.parsing import tables
from workbench.records import Passage
from workbench.steps.data import ingest as step
from workbench.steps.data.ingest import ingest
from workbench.steps.data.readers import IngestSettings
from workbench.store import Store, views

IN_BATCHES = 4_000  # characters of a batch: some ten passages


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return write_small_sample(tmp_path / "sample")


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what lets every folder be a large one from now on."""

    def begin() -> None:
        monkeypatch.setattr(step, "LARGE", 0)
        monkeypatch.setattr(step, "CHARACTERS_AT_ONCE", IN_BATCHES)

    return begin


def lines(folder: Path) -> list[str]:
    return (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("packed", [False, True])
def test_in_batches_the_workspace_and_the_words_are_the_same(
    sample: Path, tmp_path: Path, batches: Callable[[], None], packed: bool
) -> None:
    if packed:
        corpus = sample / "corpus.jsonl"
        (sample / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.read_bytes()))
        corpus.unlink()
    whole, parts = Store(tmp_path / "whole", create=True), Store(tmp_path / "parts", create=True)
    expected = ingest(whole, "beir", sample)
    batches()
    assert ingest(parts, "beir", sample).in_words == expected.in_words
    assert contents(parts) == contents(whole)
    again = ingest(parts, "beir", sample)
    assert (again.added.passages, again.added.queries, again.added.qrels) == (0, 0, 0)
    assert contents(parts) == contents(whole)
    assert not list(parts.path.glob(".aside-*"))


def test_what_is_irregular_is_said_as_of_a_small_folder(
    sample: Path, empty: Store, batches: Callable[[], None]
) -> None:
    batches()
    corpus, rows = sample / "corpus.jsonl", lines(sample)
    corpus.write_text("\n".join([*rows[:30], "{not JSON", *rows[30:], "[1]"]) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"corpus\.jsonl, line 31: .* \(and 1 more problems\)"):
        ingest(empty, "beir", sample)
    assert views.counts(empty).passages == 0
    skipped = ingest(empty, "beir", sample, IngestSettings(skip_bad_lines=True))
    assert (skipped.added.passages, [problem.line for problem in skipped.skipped]) == (len(rows), [31, len(rows) + 2])


def test_an_id_that_comes_twice_is_counted_or_refused(sample: Path, empty: Store, batches: Callable[[], None]) -> None:
    batches()
    corpus, rows = sample / "corpus.jsonl", lines(sample)
    corpus.write_text("\n".join([*rows, rows[0]]) + "\n", encoding="utf-8")
    ingested = ingest(empty, "beir", sample)
    assert (ingested.duplicates, ingested.added.passages) == (1, len(rows))
    corpus.write_text("\n".join([*rows, json.dumps(json.loads(rows[0]) | {"text": "x"})]) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=f"line {len(rows) + 1}: .* is given differently on line 1"):
        ingest(empty, "beir", sample)


def test_what_contradicts_the_workspace_keeps_all_of_it_out(
    sample: Path, empty: Store, batches: Callable[[], None]
) -> None:
    batches()
    last = json.loads(lines(sample)[-1])["_id"]
    empty.add_collection((), [Passage(last, "", "another text")])
    with pytest.raises(Conflict, match="in the workspace with other content"):
        ingest(empty, "beir", sample)
    assert views.counts(empty).passages == 1
    assert ingest(empty, "beir", sample, IngestSettings(replace=True)).added.replaced == 1
    assert views.counts(empty).passages == len(lines(sample))


ROWS = [
    {
        "query": f"what is {at // 3}?", "answers": [f"a{at // 3}", "b"], "passage": f"text {at % 40} " + "x" * 200,
        "title": "t" if at % 7 else "", "relevance": at % 2, "split": "test",
    }
    for at in range(120)
]  # fmt: skip
TABLES: dict[str, Callable[[Path], object]] = {
    "jsonl": lambda path: path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8"),
    "csv": lambda path: pd.DataFrame(ROWS).assign(answers='["a", "b"]').to_csv(path, index=False),
    "parquet": lambda path: pd.DataFrame(ROWS).to_parquet(path),
}


@pytest.mark.parametrize("ending", TABLES)
def test_a_table_in_parts_gives_the_same_workspace(tmp_path: Path, batches: Callable[[], None], ending: str) -> None:
    path = tmp_path / f"table.{ending}"
    TABLES[ending](path)
    whole, parts = Store(tmp_path / "whole", create=True), Store(tmp_path / "parts", create=True)
    expected = ingest(whole, "table", path)
    batches()
    ingested = ingest(parts, "table", path)
    assert (ingested.in_words, ingested.duplicates) == (expected.in_words, expected.duplicates)
    assert contents(parts) == contents(whole)
    assert ingested.added.passages == views.counts(parts).passages > 40


def test_a_table_that_is_irregular_is_read_as_a_whole(
    tmp_path: Path, empty: Store, batches: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches()
    monkeypatch.setattr(tables, "FIRST_ROWS", 5)
    path = tmp_path / "table.jsonl"
    rows = [{"passage_id": f"p{at}", "passage": "x" * 900} for at in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0] | {"passage": "y"}]), encoding="utf-8")
    with pytest.raises(BadInput, match="line 21: passage 'p0' is given differently on line 1"):
        ingest(empty, "table", path)
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"query": "new"}, rows[0]]), encoding="utf-8")
    ingested = ingest(empty, "table", path, IngestSettings(skip_bad_lines=True))
    assert (ingested.added.passages, ingested.added.queries, len(ingested.skipped)) == (0, 0, 22)
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]), encoding="utf-8")
    ingested = ingest(empty, "table", path)
    assert (ingested.added.passages, ingested.duplicates) == (20, 1)


def test_a_first_ingest_by_the_shell_is_in_parts_too_or_makes_no_workspace(
    sample: Path, tmp_path: Path, batches: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches()
    monkeypatch.setattr(command, "preview", None)
    corpus, rows = sample / "corpus.jsonl", lines(sample)
    corpus.write_text("\n".join([*rows, "{not JSON"]) + "\n", encoding="utf-8")
    assert f"line {len(rows) + 1}: not JSON" in shell("ingest", "beir", sample, workspace=tmp_path / "new").err
    assert not (tmp_path / "new" / "workbench.duckdb").exists()
    corpus.write_text("\n".join(rows) + "\n", encoding="utf-8")
    worked("ingest", "beir", sample, workspace=tmp_path / "new")
    assert views.counts(Store(tmp_path / "new")).passages == len(rows)
