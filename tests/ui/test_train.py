"""The page Train: the form, its shell line, running jobs, and the report of a student."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.ui.copied import table
from tests.ui.pages import Visit, text_of, trained_student
from workbench import jobs
from workbench.losses import LOSSES
from workbench.records import Candidate
from workbench.store import Store, views
from workbench.trainer import PRESETS, TrainSettings
from workbench.ui.train import form


def test_the_form_starts_a_job_with_the_line_it_shows(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = visit(store, "train")
    at.number_input(key="steps").set_value(30).run()
    line = f"workbench --workspace '{store.path}' train static:all-MiniLM-L6-v2 --teacher toy --steps 30"
    assert line in [block.value for block in at.code]
    at.checkbox(key="only-annotated").check().run()
    assert f"{line} --only annotated" in [block.value for block in at.code]
    at.checkbox(key="only-annotated").uncheck().run()
    assert "qrels" in at.selectbox(key="train-teacher").options
    at.selectbox(key="method").set_value("adapter").run()
    at.number_input(key="rank").set_value(8).run()
    assert f"{line.removesuffix(' --steps 30')} --method adapter --steps 30 --rank 8" in [
        block.value for block in at.code
    ]
    at.selectbox(key="method").set_value("query_only").run()
    assert "rank" not in [box.key for box in at.number_input], "only a method that has one is started for it"
    at.selectbox(key="method").set_value("full").run()
    started = []

    def start(where: Store, arguments: list[str]) -> jobs.Job:
        started.append((where.path, arguments))
        folder = where.jobs / "20260101-000000-dead"
        folder.mkdir(parents=True)
        made = {"arguments": arguments, "started": "2026-01-01T00:00:00+00:00", "pid": 2**22 + 1, "created": 0.0}
        (folder / "job.json").write_text(json.dumps(made))
        (folder / "log.txt").write_text("the last words\n")
        return jobs.find(where, folder.name)

    monkeypatch.setattr(jobs, "start", start)
    next(button for button in at.button if button.label == "Start training").click().run()
    assert not at.exception
    assert started == [(store.path, ["train", "static:all-MiniLM-L6-v2", "--teacher", "toy", "--steps", "30"])]
    words = text_of(at)
    assert "? lost" in words
    assert "ended without a report" in words
    assert "the last words" in words


def test_a_sum_of_losses_can_be_entered_and_a_wrong_one_cannot_start(store: Store, visit: Visit) -> None:
    at = visit(store, "train")
    assert set(at.selectbox(key="loss").options) == set(LOSSES)
    at.text_input(key="loss-sum").set_value(" kl + 0.5*infonce(alpha=0.6) ").run()
    line = "train static:all-MiniLM-L6-v2 --teacher toy --loss 'kl + 0.5*infonce(alpha=0.6)'"
    assert any(line in block.value for block in at.code)
    at.text_input(key="loss-sum").set_value("kl + hinge").run()
    assert not at.exception
    assert "hinge" in text_of(at)
    assert next(button for button in at.button if button.label == "Start training").disabled


def test_what_a_training_takes_is_said_before_it_begins_and_what_stands_against_it(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = visit(store, "train")
    at.button(key="estimate").click().run()
    assert not at.exception
    assert "toy has scored no query of the train split" in text_of(at)
    asked: list[object] = []
    monkeypatch.setattr(form, "plan", lambda *names, **_: asked.extend(names) or SimpleNamespace(in_words="2.0 GB"))
    at.number_input(key="steps").set_value(30)
    at.button(key="estimate").click().run()
    assert "2.0 GB" in text_of(at)
    assert asked[1:] == ["static:all-MiniLM-L6-v2", "toy", TrainSettings(steps=30)]


def test_settings_that_do_not_go_together_cannot_start(store: Store, visit: Visit) -> None:
    at = visit(store, "train")
    at.number_input(key="accumulate").set_value(5).run()
    assert "32 queries do not split into equal parts" in text_of(at)
    assert next(button for button in at.button if button.label == "Start training").disabled
    at.number_input(key="batch-size").set_value(40).run()
    assert not next(button for button in at.button if button.label == "Start training").disabled


def test_precision_and_tokens_can_be_chosen_and_go_into_the_line(store: Store, visit: Visit) -> None:
    at = visit(store, "train")
    at.selectbox(key="precision").set_value("float32")
    at.number_input(key="max-tokens").set_value(64).run()
    line = f"workbench --workspace '{store.path}' train static:all-MiniLM-L6-v2 --teacher toy"
    assert f"{line} --precision float32 --max-tokens 64" in [block.value for block in at.code]
    at.segmented_control(key="preset").set_value("gpu").run()
    assert at.selectbox(key="precision-gpu").value == PRESETS["gpu"]["precision"]
    assert f"{line} --preset gpu --max-tokens 64" in [block.value for block in at.code]


def test_candidates_that_are_not_the_base_s_own_are_named_with_the_command(store: Store, visit: Visit) -> None:
    at = visit(store, "train")
    assert "proposed itself" not in text_of(at), "toy has scored no train query at all"
    at.selectbox(key="train-teacher").set_value("qrels").run()
    assert "1 of 1 train queries have no candidates that static:all-MiniLM-L6-v2 proposed itself" in text_of(at)
    line = f"workbench --workspace '{store.path}' candidates --student static:all-MiniLM-L6-v2 --split train"
    assert line in text_of(at)
    (query,) = [query.query_id for query in views.queries(store, "train") if query.query_id == "007"]
    store.add_candidates([Candidate(query, "03", "static:all-MiniLM-L6-v2")])
    at.run()
    assert "proposed itself" not in text_of(at)


def test_a_gain_on_unseen_dev_queries_stands_beside_the_whole(store: Store, visit: Visit) -> None:
    trained_student(store, "after", 1, 0.7)
    assert "dev queries that train has not seen" not in text_of(visit(store, "train"))
    file = store.students / "after" / "student.json"
    recipe = json.loads(file.read_text("utf-8"))
    recipe["outcome"] |= {"unseen_before": 0.4, "unseen_after": 0.35}
    file.write_text(json.dumps(recipe), "utf-8")
    words = text_of(visit(store, "train"))
    assert "dev queries that train has not seen, where a gain is no memory: nDCG@10 0.400 before, 0.350 best" in words


def test_a_preset_fills_the_form_and_what_a_person_changes_wins(store: Store, visit: Visit) -> None:
    at = visit(store, "train")
    at.segmented_control(key="preset").set_value("cpu").run()
    assert at.number_input(key="steps-cpu").value == PRESETS["cpu"]["steps"]
    line = f"workbench --workspace '{store.path}' train static:all-MiniLM-L6-v2 --teacher toy --preset cpu"
    assert line in [block.value for block in at.code]
    at.number_input(key="minutes-cpu").set_value(3.0)
    at.number_input(key="refresh").set_value(50).run()
    assert f"{line} --minutes 3 --refresh 50" in [block.value for block in at.code]


def test_a_running_job_is_followed_and_can_be_stopped(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    folder = store.jobs / "20260101-000000-live"
    folder.mkdir(parents=True)
    me = psutil.Process()
    made = {
        "arguments": ["train", "x"],
        "started": "2026-01-01T00:00:00+00:00",
        "pid": me.pid,
        "created": me.create_time(),
    }
    (folder / "job.json").write_text(json.dumps(made))
    progress = ["train", 40, 120, "steps", "loss 1.234"]
    status = {
        "state": "running",
        "student": "s",
        "progress": progress,
        "pace": [0.5, 160.0],
        "updated": "2026-01-01T00:00:30+00:00",
    }
    (folder / "status.json").write_text(json.dumps(status))
    (folder / "log.txt").write_text("")
    work = store.students / ".training-s"
    work.mkdir(parents=True)
    lines = [{"step": 0, "dev": 0.5}, {"step": 10, "loss": 1.0}, {"step": 20, "loss": 0.9, "dev": 0.6}]
    (work / "history.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 30, "lo')
    stopped = []
    monkeypatch.setattr(jobs, "stop", lambda _store, name: stopped.append(name))
    at = visit(store, "train")
    assert "train: 40 of 120 steps, 30 a minute, 3 min left; loss 1.234" in text_of(at)
    assert len(at.get("plotly_chart")) == 1
    at.button(key=f"stop-{folder.name}").click().run()
    assert stopped == [folder.name]


def test_a_job_that_was_killed_is_named_and_goes_on_by_a_button(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = store.jobs / "20260101-000000-dead"
    folder.mkdir(parents=True)
    arguments = ["train", "static:x", "--teacher", "toy"]
    made = {"arguments": arguments, "started": "2026-01-01T00:00:00+00:00", "pid": 2**22 + 7, "created": 0.0}
    (folder / "job.json").write_text(json.dumps(made))
    (folder / "log.txt").write_text("step 40 of 120\n")
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, again: started.append(list(again)))
    at = visit(store, "train")
    assert "? lost" in text_of(at) and "kept" in text_of(at)
    assert "step 40 of 120" in [block.value for block in at.code]
    at.button(key=f"again-{folder.name}").click().run()
    assert started == [arguments]


def test_a_student_that_gained_nothing_is_reported_plainly_and_can_be_evaluated(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(jobs, "start", lambda _store, arguments: started.append(arguments))
    folder = store.students / "s"
    folder.mkdir(parents=True)
    outcome = {"steps": 40, "best_step": 0, "dev_before": 0.5, "dev_after": 0.5, "measure": "nDCG@10", "seconds": 100.0}
    recipe = {"name": "s", "base": "b", "teacher": "toy", "loss": "kl", "outcome": {**outcome, "stopped": "patience"}}
    (folder / "student.json").write_text(json.dumps(recipe))
    at = visit(store, "train")
    words = text_of(at)
    assert "no gain: no step beat the base" in words
    assert "Not evaluated on test yet: b and s" in words
    assert "2 min" in words
    at.button(key="evaluate-s").click().run()
    assert started == [["evaluate", "b", "s", "--split", "test"]]


def test_a_training_can_begin_with_the_settings_of_another(store: Store, visit: Visit) -> None:
    trained_student(store, "after", 4, 0.7)
    file = store.students / "after" / "student.json"
    recipe = json.loads(file.read_text("utf-8"))
    recipe["settings"] |= {"steps": 77, "warmup": 0.2, "learning_rate": 0.01, "negatives": 3}
    file.write_text(json.dumps(recipe), "utf-8")
    at = visit(store, "train", like="after")
    line = next(block.value for block in at.code if " train before " in block.value)
    for part in ("--loss kl", "--steps 77", "--seed 4", "--negatives 3", "--learning-rate 0.01", "--set warmup=0.2"):
        assert part in line
    assert "settings are those of after" in text_of(at)
    at.button(key="usual-settings").click().run()
    assert not at.exception
    assert any(block.value.endswith(" train static:all-MiniLM-L6-v2 --teacher toy") for block in at.code)


def test_students_are_told_apart_renamed_and_removed_on_the_page(store: Store, visit: Visit) -> None:
    for name, seed in (("after", 1), ("other", 2)):
        trained_student(store, name, seed, 0.7)
    at = visit(store, "train")
    words = text_of(at)
    assert "after · seed 1 · 40 steps" in words
    assert "other · seed 2 · 40 steps" in words
    at.text_area(key="note-after").set_value("keep me")
    at.text_input(key="tags-after").set_value("good, v1")
    at.button(key="describe-after").click().run()
    assert "after · seed 1 · 40 steps · #good · #v1" in text_of(at)
    assert "keep me" in text_of(at)
    at.text_input(key="rename-after").set_value("mine").run()
    at.button(key="renamed-after").click().run()
    assert not at.exception
    assert "mine · seed 1" in text_of(at)
    at.toggle(key="remove-mine").set_value(True).run()
    assert "1 run would go with it: mine@test" in text_of(at)
    at.button(key="removed-mine").click().run()
    assert not at.exception
    assert {run.student for run in views.runs(store)} == {"before"}
    assert "mine · seed 1" not in text_of(at)


def test_every_loss_is_there_with_its_sentence(store: Store, visit: Visit) -> None:
    at = visit(store, "train")
    assert {row["loss"]: row["rewards"] for row in table(at, "rewards")} == {
        name: one.meaning for name, one in LOSSES.items()
    }
    assert f"utility_infonce rewards {LOSSES['utility_infonce'].meaning}" in text_of(at)
