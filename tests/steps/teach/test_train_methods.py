"""Training each kind of student: the same end whatever happens, and nothing encoded that need not be."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from tests import tiny
from tests.steps.classes import PASSAGES, ROOT, TOPICS, WORDS, base, collection
from workbench import students
from workbench.errors import UnknownName
from workbench.retrieval.encoder import Encoder
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.teach import train as step
from workbench.steps.teach.plan import plan
from workbench.steps.teach.train import TrainResult, train
from workbench.store import Store
from workbench.students.methods import METHODS
from workbench.trainer import TrainSettings

QUICK = TrainSettings(
    batch_size=4, candidates=4, negatives=2, steps=30, evaluate_every=10, patience=0, learning_rate=0.05,
    teacher_temperature=0.5,
)  # fmt: skip
KEEPING = [name for name, kind in METHODS.items() if kind.keeps_passage_vectors]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return a base for each kind: a static one, for lora a transformer."""
    folder = tmp_path_factory.mktemp("models")
    static, bert = base(folder / "static"), str(tiny.bert(folder / "bert", words=WORDS))
    return {kind: bert if kind == "lora" else static for kind in METHODS}


@pytest.fixture
def school(tmp_path: Path) -> Store:
    return collection(tmp_path / "ws")


def trained(store: Store, bases: dict[str, str], kind: str, name: str = "", **more: object) -> TrainResult:
    return train(store, plan(store, bases[kind], "toy", replace(QUICK, method=kind, **more), name))


def content(result: TrainResult) -> dict[str, str]:
    """Return a digest of each file of weights in a student's folder."""
    path = Path(result.path)
    return {str(file.relative_to(path)): sha256(file.read_bytes()).hexdigest() for file in path.rglob("*.safetensors")}


@pytest.mark.parametrize("kind", list(METHODS))
def test_cut_off_in_the_middle_it_comes_to_the_same_weights(
    school: Store, tmp_path: Path, bases: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rising(monkeypatch)
    undisturbed = trained(collection(tmp_path / "other"), bases, kind)
    planned = plan(school, bases[kind], "toy", replace(QUICK, method=kind))
    assert planned.name == undisturbed.student
    heard: list[int] = []

    def cut(at: object) -> None:
        if at.step == "train":  # type: ignore[attr-defined]
            heard.append(at.done)  # type: ignore[attr-defined]
            if len(heard) == 25:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(school, planned, cut)
    heard.clear()
    result = train(school, planned, lambda at: heard.append(at.done) if at.step == "train" else None)
    assert heard[0] == 21
    assert result.trained.best_step == undisturbed.trained.best_step == 30
    assert content(result) == content(undisturbed) != {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "loss"),
    [("adapter", "utility_infonce"), ("query_only", "kl"), ("drift", "kl"), ("full", "policy_gradient")],
)
def test_killed_it_goes_on_to_the_same_weights(
    school: Store, tmp_path: Path, bases: dict[str, str], kind: str, loss: str
) -> None:
    settings = replace(QUICK, method=kind, loss=loss, steps=120, evaluate_every=20)
    other = collection(tmp_path / "other")
    undisturbed = train(other, plan(other, bases[kind], "toy", settings))
    planned, at = plan(school, bases[kind], "toy", settings), secrets.choice(range(25, 100))
    names = ("method", "loss", "steps", "evaluate_every", "patience", "batch_size", "candidates", "negatives")
    options = {name: getattr(settings, name) for name in (*names, "learning_rate", "teacher_temperature")}
    said = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "workbench", "--workspace", str(school.path), "train", bases[kind]]
    child = subprocess.Popen([*command, "--teacher", "toy", *said], cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 400
    while not any(line["step"] >= at for line in step.history(school, planned.name)):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    heard: list[int] = []
    result = train(school, planned, lambda said: heard.append(said.done) if said.step == "train" else None)
    assert heard[0] > 20
    assert content(result) == content(undisturbed) != {}, f"killed at step {at}"
    ours, theirs = ([line | {"seconds": 0.0} for line in each.trained.history] for each in (result, undisturbed))
    assert ours == theirs, f"killed at step {at}"


def _rising(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each judgement be better than the one before, so that the last weights are kept."""
    values = count()
    monkeypatch.setattr(step, "dev_evaluator", lambda *_: lambda _model: float(next(values)))


@pytest.mark.parametrize("kind", [kind for kind in METHODS if kind != "lora"])
def test_what_is_saved_measures_what_was_judged(school: Store, bases: dict[str, str], kind: str) -> None:
    result = trained(school, bases, kind)
    measured = evaluate(school, result.student, "dev").measures["nDCG@10"].mean
    assert measured == pytest.approx(result.trained.dev_after)
    if kind in ("full", "query_only", "drift"):
        assert result.trained.improved
    recipe = students.find(result.student, school.students).recipe
    assert (recipe["method"], recipe["settings"]["method"]) == (kind, kind)


@pytest.mark.parametrize("kind", KEEPING)
def test_a_student_that_keeps_the_index_encodes_no_passage(
    school: Store, bases: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(school, bases[kind], "test")
    encoded = _noted(monkeypatch)
    result = trained(school, bases, kind)
    evaluate(school, result.student, "test")
    assert {side for side, _ in encoded} <= {"query"}
    assert ("query", "question0 the of") in encoded
    # trained once more from there, the index is still the first base's
    again = plan(school, result.student, "toy", replace(QUICK, method=kind))
    assert again.recipe["index"] == plan(school, bases[kind], "toy", replace(QUICK, method=kind)).recipe["index"]


def test_a_student_with_its_own_passages_does_not_take_the_base_s(
    school: Store, bases: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(school, bases["full"], "test")
    encoded = _noted(monkeypatch)
    evaluate(school, trained(school, bases, "full").student, "test")
    assert sum(side == "passage" for side, _ in encoded) == len(PASSAGES)


def _noted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Note each text that the workspace's encoders encode, and on which side."""
    encoded: list[tuple[str, str]] = []
    real = Encoder._encode

    def noting(self: Encoder, model: object, kind: str, texts: list[str]) -> np.ndarray:
        encoded.extend((kind, text) for text in texts)
        return real(self, model, kind, texts)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "_encode", noting)
    return encoded


@pytest.mark.parametrize("kind", ["adapter", "query_adapter"])
def test_an_adapter_s_training_runs_no_encoder(
    school: Store, bases: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(school, bases, kind, name="first", steps=1)
    monkeypatch.setattr(StaticEmbedding, "forward", lambda *_: pytest.fail("the encoder ran"))
    assert trained(school, bases, kind).trained.steps == 30


@pytest.mark.parametrize("kind", ["adapter", "query_adapter", "query_only", "drift", "lora"])
def test_without_a_gain_it_is_the_base_and_says_so(
    school: Store, bases: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([0.9, 0.5, 0.9, 0.4])
    monkeypatch.setattr(step, "dev_evaluator", lambda *_: lambda _model: next(values))
    result = trained(school, bases, kind)
    assert not result.trained.improved
    assert "no evaluation on dev beat the base" in result.in_words
    texts = [f"question{topic} of" for topic in range(TOPICS)]
    ours, theirs = (
        Encoder(students.find(name, school.students), school.vectors).queries(texts)
        for name in (result.student, bases[kind])
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_kind_is_part_of_the_name_and_an_unknown_one_is_refused(school: Store, bases: dict[str, str]) -> None:
    assert (
        "-query-only-utility-infonce-" in plan(school, bases["full"], "toy", replace(QUICK, method="query_only")).name
    )
    with pytest.raises(UnknownName, match="method"):
        plan(school, bases["full"], "toy", replace(QUICK, method="quarter"))


def test_a_kind_has_its_own_learning_rate_unless_told(school: Store, bases: dict[str, str]) -> None:
    for kind in ("query_only", "adapter", "full"):
        rate = trained(school, bases, kind, steps=1, learning_rate=None).trained.learning_rate
        assert rate == (METHODS[kind].static_rate or 2e-3)
    assert trained(school, bases, "query_only", steps=1, learning_rate=0.02).trained.learning_rate == 0.02
