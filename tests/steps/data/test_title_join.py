"""How a title is joined to its text: a setting of the workspace that follows through all that reads passages."""

from __future__ import annotations

from pathlib import Path

from tests import tiny
from tests.teachers import models
from workbench.records import Group, Passage, Utility
from workbench.steps.compare.evaluate import evaluate, measured
from workbench.steps.data.export import export
from workbench.steps.data.ingest import ingest
from workbench.steps.data.readers import IngestSettings
from workbench.steps.data.workspace_settings import configure
from workbench.steps.teach.planning.plan import plan
from workbench.store import TITLE_JOINS, Store, views
from workbench.teachers import Teacher, teacher
from workbench.trainer import TrainSettings


def contents(store: Store) -> dict[str, str]:
    return {passage.passage_id: passage.content for passage in views.passages(store)}


def test_a_title_is_joined_by_a_space_unless_the_workspace_says_otherwise(store: Store) -> None:
    assert contents(store)["p 2"] == "Oil Oil is a liquid."
    assert contents(store)["03"] == "Rivers run to the sea."
    configure(store, title_join="sentence")
    assert contents(store)["p 2"] == "Oil. Oil is a liquid."
    configure(store, title_join="newline")
    assert contents(store)["p 2"] == "Oil\nOil is a liquid."
    assert Passage("t", "Title alone", "").content == "Title alone"


def test_runs_become_stale_and_fresh_again_with_it(store: Store) -> None:
    evaluate(store, "bm25")
    run = views.find_run(store, "bm25", "test")
    configure(store, title_join="sentence")
    assert measured(store, run).stale
    configure(store, title_join="space")
    assert not measured(store, run).stale


def test_without_titles_it_changes_nothing(empty: Store) -> None:
    empty.add_collection((), [Passage("p", "", "text"), Passage("t", "Title alone", "")])
    before = views.collection_fingerprint(empty)
    configure(empty, title_join="sentence")
    assert views.collection_fingerprint(empty) == before


def test_a_students_recipe_says_which_it_was_trained_with(store: Store, tmp_path: Path) -> None:
    base = tmp_path / "base"
    tiny.static().save(str(base))
    names = set()
    for join, between in TITLE_JOINS.items():
        configure(store, title_join=join)
        planned = plan(store, str(base), "qrels", TrainSettings(steps=1))
        assert planned.recipe.get("title_join", "sentence") == join
        assert planned.examples[0].passages[0].content == f"Sea{between}The sea is salt; rivers are not."
        names.add(planned.name)
    assert len(names) == 3


def utilities(of: Teacher, store: Store) -> dict[str, float]:
    of.prepare(views.passages(store))
    group = Group(views.query(store, "q1"), tuple(views.passages(store)))
    every = [row for batch in of.utilities([group]) for row in batch]
    return {row.passage_id: row.value for row in every if isinstance(row, Utility)}


def test_a_likelihood_teacher_is_another_where_it_reads_titles_otherwise(store: Store, tmp_path: Path) -> None:
    folder = models.write(tmp_path / "llama")
    found = {}
    for join in ("sentence", "space"):
        configure(store, title_join=join)
        lm_teacher = teacher("likelihood", model=str(folder), dtype="float32", device="cpu")
        values = utilities(lm_teacher, store)
        found[join] = lm_teacher.name, values
        apart = teacher("likelihood", model=str(folder), template=str(_template(tmp_path)))
        apart.prepare(views.passages(store))
        found[f"{join}, read apart"] = apart.name, {}
    assert found["sentence"][0] != found["space"][0]
    assert found["sentence"][1]["p/1"] != found["space"][1]["p/1"]
    assert found["sentence, read apart"][0] == found["space, read apart"][0]


def _template(folder: Path) -> Path:
    path = folder / "apart.toml"
    path.write_text('name = "apart"\nwith_passage = "{title}|{text} {query}:"\nwithout_passage = "{query}:"\n')
    return path


def test_the_lexical_teacher_counts_words_and_stays_the_same(store: Store) -> None:
    found = []
    for join in ("sentence", "space", "newline"):
        configure(store, title_join=join)
        lexical = teacher("lexical")
        values = utilities(lexical, store)
        found.append((lexical.name, values))
    assert found[0] == found[1] == found[2]


def test_a_file_without_ids_is_understood_whatever_it_joins_titles_with(store: Store, tmp_path: Path) -> None:
    configure(store, title_join="sentence")
    export(store, "pairs", tmp_path / "pairs.jsonl", teacher="toy", split="test")
    configure(store, title_join="space")
    done = ingest(store, "pairs", tmp_path / "pairs.jsonl", IngestSettings(teacher="before"))
    assert (done.utilities, done.skipped) == (8, ())
