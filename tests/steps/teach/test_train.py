"""Train: learns on train, chooses on dev, and comes to the same end whatever happens to it."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sentence_transformers import SentenceTransformer

from tests import tiny
from tests.conftest import utility
from tests.shell import shell, worked
from tests.steps.classes import ROOT, TOPICS, WORDS, base, collection
from workbench import jobs, students
from workbench.errors import BadInput, BadSetting, Conflict, NothingToDo
from workbench.records import Candidate, Passage, Qrel, Query
from workbench.steps.annotate.annotate import annotate
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.compare.leaderboard import leaderboard
from workbench.steps.teach import train as step
from workbench.steps.teach.plan import Plan, plan
from workbench.steps.teach.train import TrainResult, train, work_folder
from workbench.store import Store, views
from workbench.trainer import TrainSettings

QUICK = TrainSettings(
    batch_size=4, candidates=4, negatives=2, steps=30, evaluate_every=10, patience=0, learning_rate=0.05,
    teacher_temperature=0.5,
)  # fmt: skip


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> str:
    return base(tmp_path_factory.mktemp("models") / "untrained")


@pytest.fixture
def school(tmp_path: Path) -> Store:
    return collection(tmp_path / "ws")


def trained(store: Store, untrained: str, settings: TrainSettings = QUICK, name: str = "") -> TrainResult:
    return train(store, plan(store, untrained, "toy", settings, name))


def weights(path: Path | str) -> torch.Tensor:
    """Return the weights of a student, opened as anybody would open it."""
    model = SentenceTransformer(str(path), device="cpu")
    return model[0].embedding.weight.detach()


# --- learning


def test_it_learns_what_the_teacher_finds_useful_and_says_how_well(school: Store, untrained: str) -> None:
    result = trained(school, untrained)
    outcome = result.trained
    assert outcome.dev_after > outcome.dev_before + 0.2
    assert f"nDCG@10 on dev {outcome.dev_before:.3f} to {outcome.dev_after:.3f}" in result.in_words
    assert (result.examples, result.teacher, outcome.stopped) == (TOPICS, "toy", "budget")
    assert not work_folder(school, result.student).exists()
    for split in ("dev", "test"):
        before, after = (evaluate(school, name, split).measures["nDCG@10"].mean for name in (untrained, result.student))
        assert after > before + 0.2
    assert evaluate(school, result.student, "dev").measures["nDCG@10"].mean == pytest.approx(outcome.dev_after)


def test_a_student_is_a_folder_that_anybody_opens_and_that_says_how_it_was_made(school: Store, untrained: str) -> None:
    result = trained(school, untrained)
    assert not torch.equal(weights(result.path), weights(untrained))
    said: dict[str, Any] = json.loads((Path(result.path) / "student.json").read_text("utf-8"))
    assert (said["name"], said["base"], said["teacher"]) == (result.student, untrained, "toy")
    assert (said["loss"], said["seed"], said["settings"]["learning_rate"]) == ("utility_infonce", QUICK.seed, 0.05)
    assert said["data"]["queries"] == TOPICS
    assert said["collection"] == views.collection_fingerprint(school)
    assert said["outcome"]["dev_after"] == result.trained.dev_after
    assert {"torch", "transformers", "sentence-transformers"} <= said["versions"].keys()
    assert [line["step"] for line in map(json.loads, _history(result))] == [0, 5, 10, 15, 20, 25, 30]


def test_a_student_no_better_than_its_base_is_the_base_and_says_so(
    school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([0.9, 0.5, 0.9, 0.4])
    monkeypatch.setattr(step, "dev_evaluator", lambda *_: lambda _model: next(values))
    result = trained(school, untrained)
    assert result.in_words.startswith(f"{result.student}: no evaluation on dev beat the base (nDCG@10 0.900)")
    assert torch.equal(weights(result.path), weights(untrained))


# --- what it may look at


def spoiled(store: Store, split: str) -> Store:
    """Turn round what is known of a split's queries: the relevant passages, and what the teacher says."""
    others = [(query, passage) for query, passage in _judged(store, split)]
    with store.write() as connection:
        connection.execute("delete from qrels where starts_with(query_id, ?)", [split])
        connection.execute("delete from utilities where starts_with(query_id, ?)", [split])
    wrong = [(query, f"p{(int(passage[1]) + 3) % TOPICS}{passage[2:]}") for query, passage in others]
    store.add_collection((), (), [Qrel(query, passage, 1) for query, passage in wrong])
    store.add_scored([utility(query, passage, 3.0) for query, passage in wrong])
    return store


def test_the_test_split_is_never_looked_at(tmp_path: Path, untrained: str) -> None:
    one = trained(collection(tmp_path / "one"), untrained)
    other = trained(spoiled(collection(tmp_path / "other"), "test"), untrained)
    assert other.student == one.student
    assert torch.equal(weights(one.path), weights(other.path))
    assert [each["dev"] for each in other.trained.history if "dev" in each] == [
        each["dev"] for each in one.trained.history if "dev" in each
    ]


def test_dev_chooses_and_does_not_teach(tmp_path: Path, untrained: str) -> None:
    one = trained(collection(tmp_path / "one"), untrained, replace(QUICK, steps=10))
    other = trained(spoiled(collection(tmp_path / "other"), "dev"), untrained, replace(QUICK, steps=10))
    assert other.trained.dev_before != one.trained.dev_before
    # what was learnt is the same: the loss follows the same course
    assert [each.get("loss") for each in other.trained.history] == [each.get("loss") for each in one.trained.history]


# --- names


OTHERS: dict[str, Any] = {
    "method": "drift", "rank": 4,
    "loss": "kl", "teacher_temperature": 0.25, "student_temperature": 0.1, "batch_size": 5, "candidates": 5,
    "negatives": 3, "steps": 31, "minutes": 1.0, "evaluate_every": 11, "patience": 1, "learning_rate": 0.01,
    "warmup": 0.1, "schedule": "constant", "weight_decay": 0.1, "max_tokens": 9, "precision": "bfloat16",
    "measure": "AP", "seed": 14, "accumulate": 2, "chunk": 3, "refresh": 7,
    "hard": 9, "curriculum": 0.5,
}  # fmt: skip


def test_any_other_setting_is_another_name_and_the_same_is_the_same(
    school: Store, untrained: str, tmp_path: Path
) -> None:
    assert OTHERS.keys() == vars(QUICK).keys()
    first = plan(school, untrained, "toy", QUICK)
    again = plan(Store(school.path), untrained, "to", replace(QUICK))
    assert (again.name, again.recipe) == (first.name, first.recipe)
    names = {key: plan(school, untrained, "toy", replace(QUICK, **{key: value})).name for key, value in OTHERS.items()}
    # A table of token vectors has no layers that could calculate in half precision; a transformer has.
    assert names.pop("precision") == first.name
    assert len({*names.values(), first.name}) == len(OTHERS)
    bert = str(tiny.bert(tmp_path / "bert", words=WORDS))
    assert (
        len({plan(school, bert, "toy", replace(QUICK, precision=each)).name for each in ("float32", "bfloat16")}) == 2
    )
    assert all(students.slug(name) == name for name in names.values())


def test_what_is_left_open_is_resolved_in_the_plan_and_the_recipe_has_both(school: Store, untrained: str) -> None:
    asked = replace(QUICK, method="adapter", learning_rate=None, teacher_temperature=None, steps=1)
    planned = plan(school, untrained, "toy", asked)
    resolved = {"rank": 8, "learning_rate": 1e-3, "teacher_temperature": 1.25, "precision": "float32"}
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


def test_a_sum_of_losses_is_learnt_from_and_names_the_student(school: Store, untrained: str) -> None:
    spec = "utility_infonce + 0.2*infonce(alpha=0.6)"
    result = trained(school, untrained, replace(QUICK, loss=spec))
    assert result.student.rpartition("-")[0].endswith("-untrained-utility-infonce-0.2-infonce-alpha-0.6")
    assert result.trained.dev_after > result.trained.dev_before + 0.2
    assert students.find(result.student, school.students).recipe["loss"] == spec
    long = " + ".join(["0.125*contrastive_partial_ranking(hard=2)"] * 8)
    name = plan(school, untrained, "toy", replace(QUICK, loss=long)).name
    assert "-untrained-0.125-contrastive-partial-ranking-hard-2-" in name
    assert len(name) < len(long)


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


def test_a_name_that_is_given_is_kept_and_never_taken_twice(school: Store, untrained: str) -> None:
    assert trained(school, untrained, replace(QUICK, steps=10), "my student").student == "my student"
    with pytest.raises(Conflict, match="made by another recipe"):
        trained(school, untrained, replace(QUICK, steps=11), "my student")
    for taken in ("bm25", untrained):
        with pytest.raises(BadSetting, match="taken"):
            plan(school, untrained, "toy", QUICK, taken)


# --- doing it once


def test_a_finished_plan_is_not_done_again(school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = trained(school, untrained)
    monkeypatch.setattr(step.trainer, "train", lambda *_: pytest.fail("trained again"))
    assert trained(school, untrained) == first


def test_killed_between_saving_and_clearing_away_it_is_finished(school: Store, untrained: str) -> None:
    first = trained(school, untrained)
    left = work_folder(school, first.student)
    left.mkdir()
    (left / "trained.json").write_text("{}")  # its weights were deleted already
    assert trained(school, untrained) == first
    assert not left.exists()


def test_what_is_missing_is_said_before_any_training(school: Store, untrained: str, empty: Store) -> None:
    with pytest.raises(NothingToDo, match="No teacher has scored"):
        plan(empty, untrained, None, QUICK)
    with school.write() as connection:
        connection.execute("delete from qrels where starts_with(query_id, 'dev')")
    with pytest.raises(NothingToDo, match="dev split has a relevant passage"):
        trained(school, untrained)
    with school.write() as connection:
        connection.execute("delete from utilities where starts_with(query_id, 'train')")
    with pytest.raises(NothingToDo, match="toy has scored no query of the train split"):
        plan(school, untrained, "toy", QUICK)


# --- processes that die

LONG = replace(QUICK, steps=400, evaluate_every=20)
ARGUMENTS = [
    "--teacher", "toy", "--steps", "400", "--evaluate-every", "20", "--batch-size", "4", "--candidates", "4",
    "--patience", "0", "--learning-rate", "0.05", "--teacher-temperature", "0.5", "--set", "negatives=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(untrained: str, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return trained(collection(tmp_path_factory.mktemp("undisturbed")), untrained, LONG)


@pytest.mark.slow
def test_a_killed_child_goes_on_to_the_same_weights(school: Store, untrained: str, undisturbed: TrainResult) -> None:
    command = [sys.executable, "-m", "workbench", "--workspace", str(school.path), "train", untrained, *ARGUMENTS]
    child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    planned = plan(school, untrained, "toy", LONG)
    _wait_for_a_checkpoint(school, planned, lambda: child.poll() is None)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (school.students / planned.name / students.RECIPE).exists()
    heard: list[int] = []
    result = train(school, planned, lambda at: heard.append(at.done))
    assert heard[0] > 20
    assert (result.student, result.trained.steps) == (undisturbed.student, 400)
    assert torch.equal(weights(result.path), weights(undisturbed.path))
    assert _without_time(result) == _without_time(undisturbed)


HARDER = replace(LONG, refresh=23, hard=6, curriculum=0.5)


@pytest.mark.slow
def test_killed_at_any_step_hard_negatives_and_curriculum_go_on_to_the_same_weights(
    school: Store, untrained: str, tmp_path: Path
) -> None:
    whole = trained(collection(tmp_path / "whole"), untrained, HARDER)
    at = secrets.choice(range(1, 350))
    harder = ["--refresh", "23", "--hard", "6", "--curriculum", "0.5"]
    command = [sys.executable, "-m", "workbench", "--workspace", str(school.path), "train", untrained, *ARGUMENTS]
    child = subprocess.Popen([*command, *harder], cwd=ROOT, stderr=subprocess.DEVNULL)
    planned = plan(school, untrained, "toy", HARDER)
    deadline = time.monotonic() + 120
    while not any(line["step"] >= at for line in step.history(school, planned.name)):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    result = train(school, planned)
    assert torch.equal(weights(result.path), weights(whole.path)), f"killed at step {at}"
    assert _without_time(result) == _without_time(whole)
    assert (result.trained.best_step, result.trained.dev_after) == (whole.trained.best_step, whole.trained.dev_after)
    for split in ("dev", "test"):
        mine = evaluate(school, result.student, split).measures
        assert mine == evaluate(Store(tmp_path / "whole"), whole.student, split).measures


@pytest.mark.slow
def test_a_stopped_job_keeps_the_best_so_far_and_can_go_on(
    school: Store, untrained: str, undisturbed: TrainResult
) -> None:
    job = jobs.start(school, ["train", untrained, *ARGUMENTS])
    planned = plan(school, untrained, "toy", LONG)
    _wait_for_a_checkpoint(school, planned, lambda: jobs.find(school, job.job_id).state == "running")
    jobs.stop(school, job.job_id)
    ended = _wait_until_it_ends(school, job.job_id)
    assert (ended.state, ended.student) == ("stopped", planned.name), jobs.log(school, job.job_id)
    assert "ended by a request to stop" in ended.message
    outcome = students.find(planned.name, school.students).recipe["outcome"]
    assert (outcome["stopped"], outcome["dev_after"] > outcome["dev_before"]) == ("asked", True)
    assert 20 <= outcome["steps"] < 400
    assert evaluate(school, planned.name, "dev").measures["nDCG@10"].mean == pytest.approx(outcome["dev_after"])
    result = train(school, planned)
    assert (result.trained.steps, result.trained.stopped) == (400, "budget")
    assert torch.equal(weights(result.path), weights(undisturbed.path))


def _wait_for_a_checkpoint(store: Store, planned: Plan, alive: Any) -> None:
    deadline = time.monotonic() + 120
    while not list(work_folder(store, planned.name).glob("checkpoint-*/progress.json")):
        assert alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _wait_until_it_ends(store: Store, job_id: str) -> jobs.Job:
    deadline = time.monotonic() + 120
    while (job := jobs.find(store, job_id)).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return job


def _judged(store: Store, split: str) -> list[tuple[str, str]]:
    return [(qrel.query_id, qrel.passage_id) for qrel in views.qrels(store, split)]


def _history(result: TrainResult) -> list[str]:
    return (Path(result.path) / "history.jsonl").read_text("utf-8").splitlines()


def _without_time(result: TrainResult) -> list[dict[str, Any]]:
    return [{**json.loads(line), "seconds": 0} for line in _history(result)]


# --- on what people said


def test_on_the_annotated_set_verdicts_override_the_teacher_and_the_recipe_says_so(
    school: Store, untrained: str
) -> None:
    plain = plan(school, untrained, "toy", QUICK)
    with pytest.raises(NothingToDo, match="verdict that is settled"):
        plan(school, untrained, "toy", QUICK, annotated=True)
    example = next(each for each in plain.examples if each.query.query_id == "train0")
    best, worst = example.passages[0].passage_id, example.passages[-1].passage_id
    unscored = next(p.passage_id for p in views.passages(school) if p not in example.passages)
    for passage_id, verdict in ((worst, "useful"), (best, "harmful"), (unscored, "useful")):
        annotate(school, "train0", passage_id, verdict)  # type: ignore[arg-type]
    annotate(school, "train1", "p1-0", "useful")
    annotate(school, "train2", "p2-0", "unsure")
    annotate(school, "test0", "p0-0", "useless")
    planned = plan(school, untrained, "toy", QUICK, annotated=True)
    assert [each.query.query_id for each in planned.examples] == ["train0", "train1"]
    held = {
        p.passage_id: value
        for p, value in zip(planned.examples[0].passages, planned.examples[0].utilities, strict=True)
    }
    assert (held[worst], held[best], held[unscored]) == (2.0, -0.5, 2.0)
    assert list(held.values()) == sorted(held.values(), reverse=True)
    assert unscored in planned.examples[0].known
    assert planned.recipe["label_overrides"] | {"fingerprint": ""} == {
        "verdicts": 4, "overrode": 2, "added": 1, "fingerprint": "",
    }  # fmt: skip
    assert planned.name != plain.name
    assert "label_overrides" not in plain.recipe
    result = train(school, planned)
    assert "4 verdicts of annotators override the teacher's labels: 2 changed its utility, 1 are" in result.in_words
    assert json.loads((Path(result.path) / "student.json").read_text("utf-8"))["label_overrides"]["overrode"] == 2


# --- on human judgements


def test_qrels_teach_without_any_teacher(school: Store, untrained: str) -> None:
    with school.write() as connection:
        connection.execute("delete from utilities")
        connection.execute("delete from qrels where query_id = 'train7'")
    with pytest.raises(NothingToDo, match="No teacher has scored"):
        plan(school, untrained, None, QUICK)
    planned = plan(school, untrained, "qrels", replace(QUICK, loss="infonce", teacher_temperature=None))
    assert [each.query.query_id for each in planned.examples] == [f"train{topic}" for topic in range(TOPICS - 1)]
    assert {each.utilities for each in planned.examples} == {(1.0, 1.0, 1.0, 0.0, 0.0, 0.0)}
    # half relevant, half not: the standard deviation of each query
    assert (planned.recipe["teacher"], planned.settings.teacher_temperature) == ("qrels", 0.5)
    result = train(school, planned)
    assert result.trained.dev_after > result.trained.dev_before + 0.2


def test_qrels_alone_teach_where_nothing_else_is_a_candidate(school: Store, untrained: str) -> None:
    with school.write() as connection:
        connection.execute("delete from candidates")
    planned = plan(school, untrained, "qrels", replace(QUICK, teacher_temperature=None))
    assert planned.settings.teacher_temperature == 1.0
    assert train(school, planned).trained.improved


# --- on chosen queries


def test_chosen_queries_alone_teach_and_the_recipe_says_which(school: Store, untrained: str, tmp_path: Path) -> None:
    school.add_collection([Query("alone", "question0 of", (), "train")])
    file = tmp_path / "mine.txt"
    file.write_text("train3\n\n train1 \nalone\ntrain3\n", "utf-8")
    planned = plan(school, untrained, "toy", QUICK, queries=file)
    assert [each.query.query_id for each in planned.examples] == ["train1", "train3"]
    assert planned.recipe["queries"] | {"fingerprint": ""} == {
        "queries": 3, "without_examples": 1, "source": "mine.txt", "fingerprint": "",
    }  # fmt: skip
    assert plan(school, untrained, "toy", QUICK, queries=str(file)).name == planned.name
    by_hand = plan(school, untrained, "toy", QUICK, queries=["alone", "train1", "train3"])
    assert by_hand.recipe["queries"]["fingerprint"] == planned.recipe["queries"]["fingerprint"]
    other = plan(school, untrained, "toy", QUICK, queries=["train1", "train3"])
    assert other.recipe["queries"]["fingerprint"] != planned.recipe["queries"]["fingerprint"]
    result = train(school, planned)
    assert "3 queries chosen by mine.txt, of which 1 had no example." in result.in_words
    recipe = Path(result.path) / "student.json"
    recipe.write_text(recipe.read_text("utf-8").replace("without_examples", "untaught"), "utf-8")  # its former name
    assert students.read(Path(result.path)).recipe["queries"] == planned.recipe["queries"]
    annotate(school, "train1", "p1-0", "useful")
    annotate(school, "train2", "p2-0", "useful")
    both = plan(school, untrained, "toy", QUICK, annotated=True, queries=file)
    assert [each.query.query_id for each in both.examples] == ["train1"]


def test_a_chosen_query_that_cannot_teach_is_named_with_its_line(school: Store, untrained: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    for wrong, problem in (("nobody", "no query named 'nobody'"), ("test1", "'test1' is of the split 'test'")):
        file.write_text(f"train1\n{wrong}\n", "utf-8")
        with pytest.raises(BadInput, match=rf"mine.txt, line 2: .*{problem}"):
            plan(school, untrained, "toy", QUICK, queries=file)
        with pytest.raises(BadInput, match=problem):
            plan(school, untrained, "toy", QUICK, queries=[wrong])
    file.write_bytes(b"train1\n\xff\n")
    with pytest.raises(BadInput, match=r"mine.txt, line 2: not UTF-8"):
        plan(school, untrained, "toy", QUICK, queries=file)
    file.write_text("\n")
    with pytest.raises(BadInput, match="no query id"):
        plan(school, untrained, "toy", QUICK, queries=file)
    with pytest.raises(BadInput, match="no such file"):
        plan(school, untrained, "toy", QUICK, queries=tmp_path / "none.txt")
    school.add_collection([Query("alone", "question0 of", (), "train")])
    with pytest.raises(NothingToDo, match="None of the 1 chosen"):
        plan(school, untrained, "toy", QUICK, queries=["alone"])


# --- in the shell


def test_options_win_over_a_preset_even_where_they_say_what_is_usual(school: Store, untrained: str) -> None:
    quick = ["--steps", "5", "--batch-size", "32", "--set", "minutes=null", "--evaluate-every", "5"]
    said = worked("train", untrained, "--teacher", "qrels", "--preset", "gpu", "--set", "precision=float32", *quick,
                  "--curriculum", "0.4", "--refresh", "2", workspace=school.path)  # fmt: skip
    assert "taught by qrels" in said.err
    (made,) = students.trained(school.students)
    held = made.recipe["settings"]
    assert (held["steps"], held["batch_size"], held["minutes"], held["negatives"]) == (5, 32, None, 8)
    assert (held["curriculum"], held["refresh"], held["precision"]) == (0.4, 2, "float32")
    assert "preset named 'tpu'" in shell("train", "--preset", "tpu", workspace=school.path).err
