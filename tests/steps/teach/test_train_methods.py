"""Training by each method: the same end whatever happens, and nothing encoded that need not be."""

from __future__ import annotations

import signal
from dataclasses import replace
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random

import numpy as np
import pytest
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from tests import children, tiny
from tests.steps.classes import PASSAGES, TOPICS, WORDS, base, collection
from tests.steps.teach.quick import QUICK, train_until_killed, untimed_history
from workbench import students
from workbench.errors import UnknownName
from workbench.records import Progress
from workbench.retrieval.encoder import Encoder
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.teach import train as step
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.train import TrainResult, train
from workbench.store import Store
from workbench.students.methods import METHODS

pytestmark = pytest.mark.slow

KEEPING = [name for name, method in METHODS.items() if method.keeps_passage_vectors]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return a base for each method: a static one, for lora a transformer."""
    folder = tmp_path_factory.mktemp("models")
    static, bert = base(folder / "static"), str(tiny.bert(folder / "bert", words=WORDS))
    return {method: bert if method == "lora" else static for method in METHODS}


def trained(store: Store, bases: dict[str, str], method: str, name: str = "", **more: object) -> TrainResult:
    return train(store, plan(store, bases[method], "toy", replace(QUICK, method=method, **more), name))


def content(result: TrainResult) -> dict[str, str]:
    """Return a digest of each file of weights in a student's folder."""
    path = Path(result.path)
    return {str(file.relative_to(path)): sha256(file.read_bytes()).hexdigest() for file in path.rglob("*.safetensors")}


@pytest.mark.parametrize("method", list(METHODS))
def test_cut_off_in_the_middle_it_comes_to_the_same_weights(
    school: Store, tmp_path: Path, bases: dict[str, str], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rising(monkeypatch)
    settings = replace(QUICK, method=method, steps=12, evaluate_every=4)
    other = collection(tmp_path / "other")
    undisturbed = train(other, plan(other, bases[method], "toy", settings))
    planned = plan(school, bases[method], "toy", settings)
    assert planned.name == undisturbed.student
    steps: list[int] = []

    def cut(at: Progress) -> None:
        if at.step == "train" and at.done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(school, planned, cut)
    result = train(school, planned, lambda at: steps.append(at.done) if at.step == "train" else None)
    assert steps[0] == 9
    assert result.trained.best_step == undisturbed.trained.best_step == 12
    assert content(result) == content(undisturbed) != {}


@pytest.mark.process
@pytest.mark.parametrize(
    ("method", "loss"),
    [("adapter", "utility_infonce"), ("query_only", "kl"), ("drift", "kl"), ("full", "policy_gradient")],
)
def test_killed_it_goes_on_to_the_same_weights(
    school: Store, tmp_path: Path, bases: dict[str, str], method: str, loss: str, moments: Random
) -> None:
    settings = replace(QUICK, method=method, loss=loss, steps=36, evaluate_every=6)
    other = collection(tmp_path / "other")
    undisturbed = train(other, plan(other, bases[method], "toy", settings))
    planned, at = plan(school, bases[method], "toy", settings), moments.randrange(7, 30)
    child = children.call(train_until_killed, school, planned, at, moments.uniform(0.0, 0.005))
    assert child.wait() == -signal.SIGKILL, child.stderr
    steps: list[int] = []
    result = train(school, planned, lambda done: steps.append(done.done) if done.step == "train" else None)
    assert steps[0] > settings.evaluate_every
    assert content(result) == content(undisturbed) != {}, f"killed at step {at}"
    assert untimed_history(result) == untimed_history(undisturbed), f"killed at step {at}"


def rising(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each evaluation be better than the one before, so that the last weights are the best."""
    values = count()
    monkeypatch.setattr(step, "dev_evaluator", lambda *_: lambda _model: float(next(values)))


@pytest.mark.parametrize("method", [method for method in METHODS if method != "lora"])
def test_what_is_saved_measures_what_was_judged(school: Store, bases: dict[str, str], method: str) -> None:
    result = trained(school, bases, method)
    measured = evaluate(school, result.student, "dev").measures["nDCG@10"].mean
    assert measured == pytest.approx(result.trained.dev_after)
    if method in ("full", "query_only", "drift"):
        assert result.trained.improved
    recipe = students.find(result.student, school.students).recipe
    assert (recipe["method"], recipe["settings"]["method"]) == (method, method)


@pytest.mark.parametrize("method", KEEPING)
def test_a_student_that_keeps_the_index_encodes_no_passage(
    school: Store, bases: dict[str, str], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(school, bases[method], "test")
    encoded = noted(monkeypatch)
    result = trained(school, bases, method, steps=4, evaluate_every=4)
    evaluate(school, result.student, "test")
    assert {side for side, _ in encoded} <= {"query"}
    assert ("query", "question0 the of") in encoded
    # trained once more from there, the index is still the first base's
    again = plan(school, result.student, "toy", replace(QUICK, method=method))
    assert again.recipe["index"] == plan(school, bases[method], "toy", replace(QUICK, method=method)).recipe["index"]


def test_a_student_with_its_own_passages_does_not_take_the_base_s(
    school: Store, bases: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate(school, bases["full"], "test")
    encoded = noted(monkeypatch)
    evaluate(school, trained(school, bases, "full", steps=4, evaluate_every=4).student, "test")
    assert sum(side == "passage" for side, _ in encoded) == len(PASSAGES)


def noted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return a list that grows by each text that the workspace's encoders encode, with its side."""
    encoded: list[tuple[str, str]] = []
    encode = Encoder._encode

    def noting(self: Encoder, model: object, method: str, texts: list[str]) -> np.ndarray:
        encoded.extend((method, text) for text in texts)
        return encode(self, model, method, texts)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "_encode", noting)
    return encoded


@pytest.mark.parametrize("method", ["adapter", "query_adapter"])
def test_an_adapter_s_training_runs_no_encoder(
    school: Store, bases: dict[str, str], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(school, bases, method, name="first", steps=1)
    monkeypatch.setattr(StaticEmbedding, "forward", lambda *_: pytest.fail("the encoder ran"))
    assert trained(school, bases, method, steps=4).trained.steps == 4


@pytest.mark.parametrize("method", ["adapter", "query_adapter", "query_only", "drift", "lora"])
def test_without_a_gain_it_is_the_base_and_says_so(
    school: Store, bases: dict[str, str], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([0.9, 0.5, 0.9, 0.4])
    monkeypatch.setattr(step, "dev_evaluator", lambda *_: lambda _model: next(values))
    result = trained(school, bases, method, steps=6, evaluate_every=2)
    assert not result.trained.improved
    assert "no evaluation on dev beat the base" in result.in_words
    texts = [f"question{topic} of" for topic in range(TOPICS)]
    ours, theirs = (
        Encoder(students.find(name, school.students), school.vectors, "float32").queries(texts)
        for name in (result.student, bases[method])
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_kind_is_part_of_the_name_and_an_unknown_one_is_refused(school: Store, bases: dict[str, str]) -> None:
    assert (
        "-query-only-utility-infonce-" in plan(school, bases["full"], "toy", replace(QUICK, method="query_only")).name
    )
    with pytest.raises(UnknownName, match="method"):
        plan(school, bases["full"], "toy", replace(QUICK, method="quarter"))


def test_a_kind_has_its_own_learning_rate_unless_told(school: Store, bases: dict[str, str]) -> None:
    for method in ("query_only", "adapter", "full"):
        rate = trained(school, bases, method, steps=1, learning_rate=None).trained.learning_rate
        assert rate == (METHODS[method].static_rate or 2e-3)
    assert trained(school, bases, "query_only", steps=1, learning_rate=0.02).trained.learning_rate == 0.02
