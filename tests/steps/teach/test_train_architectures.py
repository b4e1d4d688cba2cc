"""Sparse and multi-vector students go the whole walk: trained, judged, resumed, evaluated, compared, taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import children, tiny
from tests.steps.classes import WORDS, collection
from workbench import students
from workbench.errors import BadSetting
from workbench.records import Progress
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.ship.export_student import ExportStudentSettings, export_student
from workbench.steps.teach.planning.plan import Plan, plan
from workbench.steps.teach.train import TrainResult, train
from workbench.store import Store
from workbench.students.methods import METHODS
from workbench.trainer import TrainSettings, reading

pytestmark = pytest.mark.slow

OPENS = {"sparse": "SparseEncoder", "multi": "MultiVectorEncoder"}
QUICK = TrainSettings(
    batch_size=4, candidates=4, negatives=2, steps=20, evaluate_every=10, patience=0, learning_rate=0.01,
    teacher_temperature=0.5, precision="float32",
)  # fmt: skip


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.bert(tmp_path_factory.mktemp("models") / "bert", words=WORDS, masked=True))


def planned(store: Store, bert: str, architecture: str, **more: object) -> Plan:
    return plan(store, f"{architecture}:{bert}", "toy", replace(QUICK, **more))  # type: ignore[arg-type]


def content(result: TrainResult) -> bytes:
    (file,) = Path(result.path).rglob("*.safetensors")
    return file.read_bytes()


@pytest.mark.parametrize("architecture", list(OPENS))
def test_it_learns_and_opens_without_the_workbench(school: Store, bert: str, architecture: str) -> None:
    result = train(school, planned(school, bert, architecture, steps=40))
    before = evaluate(school, result.base, "dev").measures["nDCG@10"].mean
    after = evaluate(school, result.student, "dev").measures["nDCG@10"].mean
    assert (before, after) == (pytest.approx(result.trained.dev_before), pytest.approx(result.trained.dev_after))
    assert after > before
    losses = [line["loss"] for line in result.trained.history if "loss" in line]
    assert losses[-1] < losses[0]
    recipe = students.find(result.student, school.students).recipe
    assert recipe["architecture"] == {"sparse": "sparse", "multi": "multi-vector"}[architecture]
    code = f"import sentence_transformers as st, sys; st.{OPENS[architecture]}(sys.argv[1]).encode_query(['of'])"
    children.without_workbench(code, result.path, folder=Path(result.path).parent).checked()


@pytest.mark.parametrize("architecture", list(OPENS))
def test_cut_off_in_the_middle_it_comes_to_the_same_weights(
    school: Store, tmp_path: Path, bert: str, architecture: str
) -> None:
    more = {"refresh": 3, "evaluate_every": 4, "steps": 12}
    undisturbed = train(other := collection(tmp_path / "other"), planned(other, bert, architecture, **more))

    def cut(at: Progress) -> None:
        if at.step == "train" and at.done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(school, planned(school, bert, architecture, **more), cut)
    steps: list[int] = []
    plans = planned(school, bert, architecture, **more)
    result = train(school, plans, lambda at: steps.append(at.done) if at.step == "train" else None)
    assert steps[0] == 9
    assert result.trained.improved
    assert (content(result), result.student) == (content(undisturbed), undisturbed.student)


def test_flops_hold_a_sparse_student_s_vectors_small(school: Store, bert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.trainer import objective

    def active(name: str) -> float:
        model = students.load(students.find(name, school.students))
        return float(model.encode_document([f"answer{n} x0" for n in range(8)]).to_dense().sum())

    monkeypatch.setattr("workbench.steps.teach.train.dev_evaluator", lambda *_: rising())
    free = train(school, planned(school, bert, "sparse", seed=1))
    monkeypatch.setattr(objective, "FLOPS", {"query": 1.0, "document": 1.0})
    regularised = train(school, plan(school, f"sparse:{bert}", "toy", replace(QUICK, seed=1), "regularised"))
    assert active(regularised.student) < 0.7 * active(free.student)


def rising() -> object:
    """Return a dev_evaluator to whom each student is better than the one before, so that the last weights are kept."""
    values = iter(range(100))
    return lambda _: float(next(values))


@pytest.mark.parametrize("architecture", list(OPENS))
def test_parts_have_the_whole_batch_s_gradients(
    school: Store, bert: str, architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = []
    for chunk, most_kept in ((None, 2**30), (3, 2**30), (3, 0)):
        monkeypatch.setattr(reading, "MOST_KEPT_ON_CPU", most_kept)
        more = {"steps": 5, "evaluate_every": 5, "chunk": chunk, "patience": 0 if most_kept else 1}
        result = train(school, planned(school, bert, architecture, **more))
        losses.append([line["loss"] for line in result.trained.history if "loss" in line])
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2] == losses[1]


@pytest.mark.parametrize("architecture", list(OPENS))
def test_another_method_than_full_is_refused_before_anything_runs(school: Store, bert: str, architecture: str) -> None:
    for method in METHODS.keys() - {"full"}:
        with pytest.raises(BadSetting, match="is for dense students"):
            planned(school, bert, architecture, method=method)


@pytest.mark.parametrize("architecture", list(OPENS))
def test_other_runtimes_are_refused_and_a_copy_is_not(
    school: Store, bert: str, architecture: str, tmp_path: Path
) -> None:
    name, target = f"{architecture}:{bert}", tmp_path / "exported"
    with pytest.raises(BadSetting, match="written for dense ones alone") as caught:
        export_student(school, name, target, ExportStudentSettings(runtimes=("onnx",)))
    assert OPENS[architecture] in caught.value.hint
    assert not target.exists()
    assert f"{OPENS[architecture]} opens it there" in export_student(school, name, target).in_words
