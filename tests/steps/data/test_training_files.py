"""Training files: what a teacher says, what people overrule, and that other trainers read them as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import children, tiny
from tests.conftest import PASSAGES, utility
from tests.shell import shell, worked
from workbench.errors import BadSetting, NothingToDo, UnknownName
from workbench.records import Passage
from workbench.steps.annotate.annotate import annotate
from workbench.steps.data.export import export
from workbench.steps.data.formats import writable
from workbench.steps.data.training_rows import ExportSettings
from workbench.store import Store, views

ROOT = Path(__file__).parents[3]
CONTENT = {passage.passage_id: passage.content for passage in PASSAGES}
OIL = "What raised the price of oil?"


def rows(store: Store, kind: str, folder: Path, **chosen: Any) -> list[dict[str, Any]]:
    made = export(store, kind, folder / "out.jsonl", split="test", **chosen)
    return [json.loads(line) for line in Path(made.path).read_text("utf-8").splitlines()]


def test_a_triplet_has_a_passage_that_helps_and_one_that_does_not(store: Store, tmp_path: Path) -> None:
    found = rows(store, "triplets", tmp_path)
    assert {tuple(row) for row in found} == {("query", "positive", "negative")}
    of_oil = [(row["positive"], row["negative"]) for row in found if row["query"] == OIL]
    assert of_oil == [(CONTENT["p/1"], CONTENT[name]) for name in ("03", "p 2", "ü")]
    assert len(found) == 3 + 2 * 2
    far = rows(store, "triplets", tmp_path, margin=1.5)
    assert [(row["query"] == OIL, row["negative"]) for row in far if row["positive"] == CONTENT["ü"]] == [
        (False, CONTENT["p 2"]),
        (False, CONTENT["p/1"]),
    ]
    assert len(rows(store, "triplets", tmp_path, passages=1)) == 3
    assert len(rows(store, "triplets", tmp_path, useful=1.5)) == 3


def test_pairs_carry_the_teachers_numbers(store: Store, tmp_path: Path) -> None:
    found = rows(store, "pairs", tmp_path)
    assert [tuple(row.values()) for row in found if row["query"] == OIL] == [
        (OIL, CONTENT[name], value) for name, value in (("p/1", 2.0), ("03", 0.0), ("p 2", -0.5), ("ü", -1.0))
    ]
    assert list(rows(store, "pairs", tmp_path, ids=True)[0]) == ["query", "passage", "score", "query_id", "passage_id"]


def test_lists_are_equally_long_and_spread_over_the_utilities(store: Store, tmp_path: Path) -> None:
    store.add_scored([utility("007", "ü", 1.0)])
    store.add_collection([views.query(store, "007")._replace(query_id="8", text="?", split="test")], ())
    store.add_scored([utility("8", "ü", 1.0), utility("8", "03", 0.5)])
    assert {len(row["scores"]) for row in rows(store, "listwise", tmp_path)} == {2}
    found = rows(store, "listwise", tmp_path, passages=3)
    assert [list(row) for row in found] == 2 * [["query", "passage_1", "passage_2", "passage_3", "scores"]]
    assert found[1]["scores"] == [2.0, -0.5, -1.0]
    made = export(store, "listwise", tmp_path / "x.parquet", split="test", passages=3)
    assert (made.rows, made.counts["queries_left_out"], made.counts["passages"]) == (2, 1, 3)
    with pytest.raises(BadSetting, match="fewer than two"):
        rows(store, "listwise", tmp_path, passages=1)


def test_flagembedding_has_both_sides_with_their_scores(store: Store, tmp_path: Path) -> None:
    (found,) = [row for row in rows(store, "flagembedding", tmp_path) if row["query"] == OIL]
    assert (found["pos"], found["pos_scores"]) == ([CONTENT["p/1"]], [2.0])
    assert (found["neg_id"], found["neg_scores"]) == (["03", "p 2", "ü"], [0.0, -0.5, -1.0])


def test_people_overrule_the_teacher_and_the_manifest_says_how_often(store: Store, tmp_path: Path) -> None:
    annotate(store, "q1", "p 2", "useful", "ada")  # the teacher: -0.5
    annotate(store, "q1", "p/1", "useless", "ada")  # 2.0
    annotate(store, "q1", "p/1", "harmful", "bob")
    annotate(store, "q1", "p/1", "useless", "eve")
    annotate(store, "q1", "ü", "harmful", "ada")  # -1.0: of one mind
    annotate(store, "q1", "ü", "unsure", "bob")
    annotate(store, "q1", "ü", "unsure", "eve")
    annotate(store, "q1", "03", "useful", "ada")
    annotate(store, "q1", "03", "useless", "bob")  # an even vote
    made = export(store, "pairs", tmp_path / "with.jsonl", split="test", ids=True)
    found = [json.loads(line) for line in Path(made.path).read_text("utf-8").splitlines()]
    assert {row["passage_id"]: row["score"] for row in found if row["query_id"] == "q1"} == {
        "p 2": 2.0,
        "p/1": -1.0,
        "03": 0.0,
        "ü": -1.0,
    }
    said = json.loads(Path(made.manifest).read_text("utf-8"))
    assert {
        name: said["counts"][name] for name in ("teacher_overruled", "verdicts_agreeing", "verdicts_undecided")
    } == {
        "teacher_overruled": 2,
        "verdicts_agreeing": 1,
        "verdicts_undecided": 1,
    }
    assert {row["positive"] for row in rows(store, "triplets", tmp_path) if row["query"] == OIL} == {CONTENT["p 2"]}
    alone = rows(store, "pairs", tmp_path, verdicts=False)
    assert {row["passage"]: row["score"] for row in alone if row["query"] == OIL}[CONTENT["p/1"]] == 2.0


def test_a_judged_passage_that_the_teacher_never_saw_is_added(store: Store, tmp_path: Path) -> None:
    store.add_collection((), [Passage("new", "", "A new one.")])
    annotate(store, "q1", "new", "useful", "ada")
    annotate(store, "007", "new", "useful", "ada")  # of a query of another split
    made = export(store, "pairs", tmp_path / "x.jsonl", split="test")
    assert (made.counts["added_by_verdict"], made.counts["verdicts_on_unscored_queries"]) == (1, 0)
    found = [json.loads(line) for line in Path(made.path).read_text("utf-8").splitlines()]
    assert [row["score"] for row in found if row["passage"] == "A new one."] == [2.0]


@pytest.mark.parametrize("values", [(2.0, 1.0), (1.0, -1.0), (-1.0, -2.0)])
def test_what_people_call_useful_is_above_what_they_call_useless(
    store: Store, tmp_path: Path, values: tuple[float, float]
) -> None:
    store.add_collection((), [Passage("new", "", "A new one.")])
    store.add_scored([utility("007", name, value) for name, value in zip(("03", "ü"), values, strict=True)])
    annotate(store, "007", "ü", "useful", "ada")
    annotate(store, "007", "new", "useless", "ada")
    made = export(store, "pairs", tmp_path / "x.jsonl")
    found = {row["passage"]: row["score"] for row in map(json.loads, Path(made.path).read_text("utf-8").splitlines())}
    assert found[CONTENT["ü"]] == max(values[0], 0) > found["A new one."] == min(values[1], 0)


def test_a_manifest_names_teacher_settings_and_the_files_digest(store: Store, tmp_path: Path) -> None:
    from hashlib import sha256

    made = export(store, "triplets", tmp_path / "x.jsonl", ExportSettings(licence="cc-by-sa-4.0"), split="test")
    said = json.loads(Path(made.manifest).read_text("utf-8"))
    assert (said["teachers"], said["filters"]["split"], said["filters"]["useful"]) == (["toy"], "test", 0.0)
    assert said["sha256"] == {"x.jsonl": sha256(Path(made.path).read_bytes()).hexdigest()}
    assert said["licence"].startswith("Source data: cc-by-sa-4.0.")


def test_a_data_set_opens_in_datasets_with_its_card(store: Store, tmp_path: Path) -> None:
    from datasets import load_dataset
    from huggingface_hub import DatasetCard

    store.add_scored([utility("007", "ü", 1.0), utility("007", "03", 0.5)])
    made = export(store, "huggingface", tmp_path / "set", licence="cc-by-sa-4.0")
    opened = load_dataset(made.path, cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in opened.items()} == {"train": 2, "test": 8}
    assert opened["train"].column_names == ["query", "passage", "score", "query_id", "passage_id"]
    assert opened["train"][0]["score"] == 1.0
    card = DatasetCard.load(Path(made.path) / "README.md")
    assert (card.data.license, card.data.configs[0]["config_name"]) == ("cc-by-sa-4.0", "default")
    assert Path(made.manifest).is_file()


def test_a_suggestion_is_the_teachers_word(store: Store, tmp_path: Path) -> None:
    annotate(store, "q1", "p/1", "harmful", "ada")
    (task, *_) = json.loads(Path(export(store, "argilla", tmp_path / "a.json").path).read_text("utf-8"))
    assert task["suggestions"] == {"verdict": {"value": "useful", "score": None, "agent": "toy"}}
    assert {"query_id", "passage_id", "utility"} <= task["metadata"].keys()
    tasks = json.loads(Path(export(store, "labelstudio", tmp_path / "l.json").path).read_text("utf-8"))
    said = {
        (task["data"]["query_id"], task["data"]["passage_id"]): task["predictions"][0]["result"][0]["value"]["choices"]
        for task in tasks
    }
    assert (said["q1", "p/1"], said["q1", "ü"]) == (["useful"], ["useless"])
    assert "<Choices" in json.loads((tmp_path / "l.json.manifest.json").read_text("utf-8"))["labelling"]


def test_what_makes_no_sense_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="means nothing to an export of qrels"):
        export(store, "qrels", tmp_path / "x", useful=1.0)
    with pytest.raises(UnknownName, match="depth"):
        export(store, "pairs", tmp_path / "x.jsonl", depth=3)
    with pytest.raises(BadSetting, match="not of the kind"):
        export(store, "pairs", tmp_path / "x.jsonl", passages="many")
    with pytest.raises(UnknownName, match="split"):
        export(store, "pairs", tmp_path / "x.jsonl", split="all")
    with pytest.raises(NothingToDo, match="scored no query of the train split"):
        export(store, "pairs", tmp_path / "x.jsonl")
    with pytest.raises(BadSetting, match=r"Triplets cannot be written as '\.csv'"):
        export(store, "triplets", tmp_path / "x.csv")
    with pytest.raises(NothingToDo, match="No query gives a row"):
        export(store, "triplets", tmp_path / "x.jsonl", split="test", useful=99.0)
    assert [path.name for path in tmp_path.iterdir()] == ["a workspace"]


def test_the_shell_says_and_does_the_same(store: Store, tmp_path: Path) -> None:
    annotate(store, "q1", "p/1", "useless", "ada")
    file = tmp_path / "x.jsonl"
    arguments = ("--teacher", "to", "--split", "test", "--set", "passages=2", "--set", "licence=cc0-1.0")
    said = worked("export", "triplets", file, *arguments, workspace=store.path)
    assert "teacher overruled: 1" in said.out
    written = file.read_bytes()
    export(store, "triplets", file, teacher="toy", split="test", passages=2)
    assert file.read_bytes() == written
    worked("export", "pairs", file, "--split", "test", workspace=store.path)
    back = worked("ingest", "pairs", file, "--teacher", "imported:me", workspace=store.path)
    assert "8 utilities added" in back.out
    assert (
        "means nothing"
        in shell("export", "run", "x", "--student", "after", "--set", "ids=true", workspace=store.path).err
    )
    assert all(kind in worked("export", "--help").out for kind in writable())


@pytest.mark.process
def test_the_script_of_the_docs_trains_on_what_comes_out(store: Store, tmp_path: Path) -> None:
    script = ROOT / "docs" / "train_triplets.py"
    assert "import workbench" not in script.read_text("utf-8")
    made = export(store, "triplets", tmp_path / "triplets.jsonl", split="test")
    tiny.static().save_pretrained(str(tmp_path / "base"))
    options = ("--steps", 4, "--batch-size", 2, "--learning-rate", 0.1)
    folders = (tmp_path / "base", made.path, tmp_path / "new")
    children.without_workbench(script.read_text("utf-8"), *folders, *options, folder=tmp_path).checked()
    before, after = (_weights(tmp_path / name) for name in ("base", "new"))
    assert before.shape == after.shape
    assert abs(before - after).max() > 0.01


def _weights(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return next(SentenceTransformer(str(folder), device="cpu").parameters()).detach().numpy()
