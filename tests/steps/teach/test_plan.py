"""Plan: the name and the recipe hold all that decides which student comes out."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.conftest import utility
from tests.shell import worked
from tests.steps.classes import TOPICS, WORDS, base
from tests.steps.teach.quick import QUICK, trained
from tests.trainer.toy import EXAMPLES
from workbench import students
from workbench.errors import BadInput, BadSetting, NothingToDo
from workbench.records import Candidate, Passage, Query
from workbench.steps.annotate.annotate import annotate
from workbench.steps.compare.leaderboard import leaderboard
from workbench.steps.teach.planning.estimate import Estimate
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.planning.query_subset import ExampleFilter
from workbench.steps.teach.train import train
from workbench.store import Store, views
from workbench.trainer import BaseFacts, resolve
from workbench.trainer.timing import Timing

OTHERS: dict[str, Any] = {
    "method": "drift", "rank": 4,
    "loss": "kl", "teacher_temperature": 0.25, "student_temperature": 0.1, "batch_size": 5, "candidates": 5,
    "negatives": 3, "steps": 31, "minutes": 1.0, "evaluate_every": 11, "patience": 1, "learning_rate": 0.01,
    "warmup": 0.1, "schedule": "constant", "weight_decay": 0.1, "max_tokens": 9, "precision": "bfloat16",
    "dropout": 0.1, "topics": 2, "frozen_layers": 1,
    "measure": "AP", "seed": 14, "accumulate": 2, "chunk": 3, "refresh": 7,
    "hard": 9, "curriculum": 0.5, "deterministic": True,
}  # fmt: skip


def test_any_other_setting_is_another_name_and_the_same_is_the_same(
    school: Store, untrained: str, tmp_path: Path
) -> None:
    assert OTHERS.keys() == vars(QUICK).keys()
    first = plan(school, untrained, "toy", QUICK)
    again = plan(Store(school.path), untrained, "to", replace(QUICK))
    assert (again.name, again.recipe) == (first.name, first.recipe)
    names = {key: plan(school, untrained, "toy", replace(QUICK, **{key: value})).name for key, value in OTHERS.items()}
    # A table of token vectors has no layers that could calculate in half precision or leave out anything.
    assert {names.pop("precision"), names.pop("dropout")} == {first.name}
    assert len({*names.values(), first.name}) == len(OTHERS) - 1
    bert = str(tiny.bert(tmp_path / "bert", words=WORDS))
    changes = [{"precision": "float32"}, {"precision": "bfloat16"}, {"precision": "float32", "dropout": 0.1}]
    assert len({plan(school, bert, "toy", replace(QUICK, **change)).name for change in changes}) == 3
    assert all(students.slug(name) == name for name in names.values())


@pytest.mark.parametrize("letters", [1, 70, 90, 200])
def test_a_name_is_a_folders_name_however_long_the_base_is_named(school: Store, tmp_path: Path, letters: int) -> None:
    planned = plan(school, base(tmp_path / ("b" * letters)), "toy", QUICK)
    assert students.slug(planned.name) == planned.name
    assert "-utility-infonce-" in planned.name


def test_what_is_left_open_is_resolved_in_the_plan_and_the_recipe_has_both(school: Store, untrained: str) -> None:
    asked = replace(QUICK, method="adapter", learning_rate=None, teacher_temperature=None, steps=1)
    planned = plan(school, untrained, "toy", asked)
    resolved = {"rank": 8, "learning_rate": 1e-3, "teacher_temperature": 1.25, "precision": "float32"}
    resolved |= {"topics": 0, "dropout": None}
    assert planned.recipe["resolved"] == resolved
    assert planned.recipe["settings"] == asdict(asked)
    assert asdict(planned.settings) == {**asdict(asked), **resolved}
    explicit = plan(school, untrained, "toy", replace(asked, **resolved))
    assert (explicit.name, explicit.recipe["resolved"]) == (planned.name, {})
    result = train(school, planned)
    assert train(school, explicit) == result  # the same training, not done again
    (row,) = [row for row in leaderboard(school).students if row.student == result.student]
    assert {name: row.settings[name] for name in resolved} == resolved
    assert resolved.keys() <= row.left_open


def test_a_transformer_is_measured_once_and_the_plan_says_what_it_will_take(
    school: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bert = str(tiny.bert(tmp_path / "bert", words=WORDS))
    asked = replace(QUICK, steps=40, minutes=1.0)
    planned = plan(school, bert, "toy", asked)
    assert planned.estimate
    assert planned.estimate.memory > 2**20
    assert planned.estimate.timing.step > 0 < planned.estimate.timing.evaluation
    assert "of memory;" in planned.in_words
    assert "40 steps take" in planned.in_words
    assert planned.settings.max_tokens == planned.recipe["resolved"]["max_tokens"] == 7  # as long as each is
    line = ["train", bert, "--teacher", "toy", "--plan", "--dropout", "0.1", "--precision", "float32"]
    assert "of memory;" in worked(*line, workspace=school.path).out
    assert not students.trained(school.students)
    monkeypatch.setattr(students, "load", lambda *_: pytest.fail("measured again"))
    again = plan(school, bert, "toy", asked)
    assert (again.estimate.timing, again.name) == (planned.estimate.timing, planned.name)  # type: ignore[union-attr]


def test_an_estimate_says_how_far_minutes_reach() -> None:
    expected = Estimate(memory=2 * 2**30, timing=Timing(step=2.0, evaluation=10.0))
    settings = resolve(replace(QUICK, steps=600, minutes=10.0, evaluate_every=50), EXAMPLES, BaseFacts(True))
    sentence = "about 2.0 GB of memory; 2.0 s a step, 10.0 s an evaluation, so 600 steps take 22 min"
    assert expected.in_words(settings) == f"{sentence}, and 10 minutes reach step 268"
    assert expected.in_words(replace(settings, minutes=30.0)) == sentence


@pytest.mark.parametrize("change", ["utility", "teacher", "base", "weights", "passage", "query", "question", "known"])
def test_other_data_is_another_name(school: Store, tmp_path: Path, change: str) -> None:
    teacher, student = "toy", base(tmp_path / "base")
    before = plan(school, student, teacher, QUICK).name
    if change == "utility":
        school.add_scored([utility("train0", "p5-0", 0.125)])
    elif change == "teacher":
        teacher = "other"
        school.add_scored([row._replace(teacher="other") for row in views.utilities(school, "toy")])
    elif change == "base":
        student = base(tmp_path / "another")
    elif change == "weights":
        tiny.static(seed=2, words=WORDS).save_pretrained(student, create_model_card=False)
    elif change == "known":
        school.add_candidates([Candidate("train0", "p4-0", "hand")])  # no negative any more
    elif change == "question":
        with school.write() as connection:
            connection.execute("update queries set text = 'question0' where query_id = 'train0'")
    elif change == "passage":
        school.add_collection((), [Passage("new", "", "the of new")])
    else:
        school.add_collection([Query("train9", "question0 of", (), "train")])
        school.add_scored([utility("train9", "p0-0", 1.0)])
    assert plan(school, student, teacher, QUICK).name != before


def test_what_is_missing_is_said_before_any_training(school: Store, untrained: str, empty: Store) -> None:
    with pytest.raises(NothingToDo, match=r"No query is of the train split\. Run `workbench ingest beir FOLDER`"):
        plan(empty, untrained, None, QUICK)
    with school.write() as connection:
        connection.execute("delete from qrels where starts_with(query_id, 'dev')")
    with pytest.raises(NothingToDo, match="dev split has a relevant passage"):
        trained(school, untrained)
    with school.write() as connection:
        connection.execute("delete from utilities where starts_with(query_id, 'train')")
    with pytest.raises(NothingToDo, match="toy has scored no query of the train split"):
        plan(school, untrained, "toy", QUICK)
    with school.write() as connection:
        connection.execute("delete from utilities")
    with pytest.raises(NothingToDo, match="No teacher has scored"):
        plan(school, untrained, None, QUICK)


def test_on_the_annotated_set_verdicts_override_the_teacher_and_the_recipe_says_so(
    school: Store, untrained: str
) -> None:
    plain = plan(school, untrained, "toy", QUICK)
    with pytest.raises(NothingToDo, match="verdict that is settled"):
        plan(school, untrained, "toy", QUICK, only=ExampleFilter(annotated=True))
    example = next(example for example in plain.examples if example.query.query_id == "train0")
    best, worst = example.passages[0].passage_id, example.passages[-1].passage_id
    unscored = next(p.passage_id for p in views.passages(school) if p not in example.passages)
    for passage_id, verdict in ((worst, "useful"), (best, "harmful"), (unscored, "useful")):
        annotate(school, "train0", passage_id, verdict)  # type: ignore[arg-type]
    annotate(school, "train1", "p1-0", "useful")
    annotate(school, "train2", "p2-0", "unsure")
    annotate(school, "test0", "p0-0", "useless")
    planned = plan(school, untrained, "toy", QUICK, only=ExampleFilter(annotated=True))
    assert [example.query.query_id for example in planned.examples] == ["train0", "train1"]
    utilities = {
        p.passage_id: value
        for p, value in zip(planned.examples[0].passages, planned.examples[0].utilities, strict=True)
    }
    assert (utilities[worst], utilities[best], utilities[unscored]) == (2.0, -0.5, 2.0)
    assert list(utilities.values()) == sorted(utilities.values(), reverse=True)
    assert unscored in planned.examples[0].known
    assert planned.recipe["label_overrides"] | {"fingerprint": ""} == {
        "verdicts": 4, "overrode": 2, "added": 1, "fingerprint": "",
    }  # fmt: skip
    assert planned.name != plain.name
    assert "label_overrides" not in plain.recipe
    result = train(school, planned)
    assert "4 verdicts of annotators override the teacher's labels: 2 changed its utility, 1 are" in result.in_words
    assert json.loads((Path(result.path) / "student.json").read_text("utf-8"))["label_overrides"]["overrode"] == 2


def test_qrels_are_learned_from_without_any_teacher(school: Store, untrained: str) -> None:
    with school.write() as connection:
        connection.execute("delete from utilities")
        connection.execute("delete from qrels where query_id = 'train7'")
    with pytest.raises(NothingToDo, match="No teacher has scored"):
        plan(school, untrained, None, QUICK)
    planned = plan(school, untrained, "qrels", replace(QUICK, loss="infonce", teacher_temperature=None))
    assert [example.query.query_id for example in planned.examples] == [f"train{topic}" for topic in range(TOPICS - 1)]
    assert {example.utilities for example in planned.examples} == {(1.0, 1.0, 1.0, 0.0, 0.0, 0.0)}
    # half relevant, half not: the standard deviation of each query
    assert (planned.recipe["teacher"], planned.settings.teacher_temperature) == ("qrels", 0.5)
    assert "trained on the qrels for" in planned.in_words
    result = train(school, planned)
    assert result.trained.dev_after > result.trained.dev_before + 0.2


def test_qrels_are_learned_from_where_nothing_else_is_a_candidate(school: Store, untrained: str) -> None:
    with school.write() as connection:
        connection.execute("delete from candidates")
    planned = plan(school, untrained, "qrels", replace(QUICK, teacher_temperature=None))
    assert planned.settings.teacher_temperature == 1.0
    assert train(school, planned).trained.improved


def test_chosen_queries_alone_are_learned_from_and_the_recipe_says_which(
    school: Store, untrained: str, tmp_path: Path
) -> None:
    school.add_collection([Query("alone", "question0 of", (), "train")])
    file = tmp_path / "mine.txt"
    file.write_text("train3\n\n train1 \nalone\ntrain3\n", "utf-8")
    planned = plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=file))
    assert [example.query.query_id for example in planned.examples] == ["train1", "train3"]
    assert planned.recipe["queries"] | {"fingerprint": ""} == {
        "queries": 3, "without_examples": 1, "source": "mine.txt", "fingerprint": "",
    }  # fmt: skip
    assert plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=str(file))).name == planned.name
    by_hand = plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=["alone", "train1", "train3"]))
    assert by_hand.recipe["queries"]["fingerprint"] == planned.recipe["queries"]["fingerprint"]
    other = plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=["train1", "train3"]))
    assert other.recipe["queries"]["fingerprint"] != planned.recipe["queries"]["fingerprint"]
    result = train(school, planned)
    assert "3 queries chosen by mine.txt, of which 1 had no example." in result.in_words
    recipe = Path(result.path) / "student.json"
    recipe.write_text(recipe.read_text("utf-8").replace("without_examples", "untaught"), "utf-8")  # its former name
    assert students.read(Path(result.path)).recipe["queries"] == planned.recipe["queries"]
    annotate(school, "train1", "p1-0", "useful")
    annotate(school, "train2", "p2-0", "useful")
    both = plan(school, untrained, "toy", QUICK, only=ExampleFilter(annotated=True, queries=file))
    assert [example.query.query_id for example in both.examples] == ["train1"]


def test_queries_to_which_all_passages_are_alike_are_left_out_on_request(school: Store, untrained: str) -> None:
    rows = [row for row in views.utilities(school, "toy") if row.query_id.startswith("train")]
    flat = [row._replace(teacher="flat", value=0.25 if row.query_id == "train1" else row.value) for row in rows]
    school.add_scored(flat, "nats per token")
    everything = plan(school, untrained, "flat", QUICK)
    planned = plan(school, untrained, "flat", QUICK, only=ExampleFilter(min_range=2.5))
    left = {example.query.query_id for example in everything.examples} - {e.query.query_id for e in planned.examples}
    assert left == {"train1"}
    assert planned.recipe["range"] == {"min_range": 2.5, "left_out": 1}
    assert "1 query left out whose utilities span less than 2.5" in planned.in_words
    assert "range" not in everything.recipe
    with pytest.raises(NothingToDo, match=r"the widest span is 2\.5"):
        plan(school, untrained, "flat", QUICK, only=ExampleFilter(min_range=2.6))
    with pytest.raises(BadSetting, match="min_range"):
        ExampleFilter(min_range=-1.0)


def test_a_chosen_query_that_cannot_be_learned_from_is_named_with_its_line(
    school: Store, untrained: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.txt"
    for wrong, problem in (("nobody", "no query named 'nobody'"), ("test1", "'test1' is of the split 'test'")):
        file.write_text(f"train1\n{wrong}\n", "utf-8")
        with pytest.raises(BadInput, match=rf"mine.txt, line 2: .*{problem}"):
            plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=file))
        with pytest.raises(BadInput, match=problem):
            plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=[wrong]))
    file.write_bytes(b"train1\n\xff\n")
    with pytest.raises(BadInput, match=r"mine.txt, line 2: not UTF-8"):
        plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=file))
    file.write_text("\n")
    with pytest.raises(BadInput, match="no query id"):
        plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=file))
    with pytest.raises(BadInput, match="no such file"):
        plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=tmp_path / "none.txt"))
    school.add_collection([Query("alone", "question0 of", (), "train")])
    with pytest.raises(NothingToDo, match="None of the 1 chosen"):
        plan(school, untrained, "toy", QUICK, only=ExampleFilter(queries=["alone"]))
