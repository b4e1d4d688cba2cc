"""Sparse and multi-vector students go the whole walk: trained, judged, resumed, evaluated, compared, taken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import BertForMaskedLM

from tests import tiny
from tests.steps.classes import WORDS, collection
from workbench import students
from workbench.errors import BadSetting
from workbench.steps.compare.evaluate import evaluate
from workbench.steps.compare.teacher_agreement import teacher_agreement
from workbench.steps.ship.export_student import ExportStudentSettings, export_student
from workbench.steps.teach.plan import Plan, plan
from workbench.steps.teach.train import TrainResult, train
from workbench.store import Store
from workbench.students.methods import METHODS
from workbench.trainer import TrainSettings

OPENS = {"sparse": "SparseEncoder", "multi": "MultiVectorEncoder"}
QUICK = TrainSettings(
    batch_size=4, candidates=4, negatives=2, steps=20, evaluate_every=10, patience=0, learning_rate=0.01,
    teacher_temperature=0.5, precision="float32",
)  # fmt: skip


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.bert(tmp_path_factory.mktemp("models") / "bert", words=WORDS, masked=True))


@pytest.fixture
def school(tmp_path: Path) -> Store:
    return collection(tmp_path / "ws")


def planned(store: Store, bert: str, form: str, **more: object) -> Plan:
    return plan(store, f"{form}:{bert}", "toy", replace(QUICK, **more))  # type: ignore[arg-type]


def content(result: TrainResult) -> bytes:
    (file,) = Path(result.path).rglob("*.safetensors")
    return file.read_bytes()


@pytest.mark.parametrize("kind", list(OPENS))
def test_it_learns_and_opens_without_the_workbench(school: Store, bert: str, kind: str) -> None:
    result = train(school, planned(school, bert, kind, steps=40))
    before = evaluate(school, result.base, "dev").measures["nDCG@10"].mean
    after = evaluate(school, result.student, "dev").measures["nDCG@10"].mean
    assert (before, after) == (pytest.approx(result.trained.dev_before), pytest.approx(result.trained.dev_after))
    assert after > before
    losses = [line["loss"] for line in result.trained.history if "loss" in line]
    assert losses[-1] < losses[0]
    recipe = students.find(result.student, school.students).recipe
    assert recipe["architecture"] == {"sparse": "sparse", "multi": "multi-vector"}[kind]
    opened = f"from sentence_transformers import {OPENS[kind]} as S; import sys; S(sys.argv[1]).encode_query(['of'])"
    clean = [sys.executable, "-c", f"import sys; sys.modules['workbench'] = None; {opened}", result.path]
    subprocess.run(clean, check=True, capture_output=True)


@pytest.mark.parametrize("kind", list(OPENS))
def test_cut_off_in_the_middle_it_comes_to_the_same_weights(
    school: Store, tmp_path: Path, bert: str, kind: str
) -> None:
    more = {"refresh": 5, "evaluate_every": 6}
    undisturbed = train(other := collection(tmp_path / "other"), planned(other, bert, kind, **more))

    def cut(at: object) -> None:
        if at.step == "train" and at.done == 15:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(school, planned(school, bert, kind, **more), cut)
    heard: list[int] = []
    plans = planned(school, bert, kind, **more)
    result = train(school, plans, lambda at: heard.append(at.done) if at.step == "train" else None)
    assert heard[0] == 13
    assert result.trained.improved
    assert (content(result), result.student) == (content(undisturbed), undisturbed.student)


def test_flops_hold_a_sparse_student_s_vectors_small(school: Store, bert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.trainer import objective

    def active(name: str) -> float:
        model = students.load(students.find(name, school.students))
        return float(model.encode_document([f"answer{n} x0" for n in range(8)]).to_dense().sum())

    monkeypatch.setattr("workbench.steps.teach.train.dev_evaluator", lambda *_: iter_rising())
    free = train(school, planned(school, bert, "sparse", seed=1))
    monkeypatch.setattr(objective, "FLOPS", {"query": 1.0, "document": 1.0})
    held = train(school, plan(school, f"sparse:{bert}", "toy", replace(QUICK, seed=1), "held"))
    assert active(held.student) < 0.7 * active(free.student)


def iter_rising() -> object:
    """Return a dev_evaluator to whom each student is better than the one before, so that the last weights are kept."""
    values = iter(range(100))
    return lambda _: float(next(values))


def test_chunks_of_a_sparse_student_have_the_whole_batch_s_gradients(school: Store, bert: str, tmp_path: Path) -> None:
    same = shutil.copytree(bert, tmp_path / "without dropout")
    said = json.loads((same / "config.json").read_text("utf-8"))
    said |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (same / "config.json").write_text(json.dumps(said), "utf-8")
    seen = []
    for chunk in (None, 3):
        result = train(school, planned(school, str(same), "sparse", steps=5, evaluate_every=5, chunk=chunk))
        seen.append([line["loss"] for line in result.trained.history if "loss" in line])
    assert seen[1] == pytest.approx(seen[0], rel=1e-4)
    with pytest.raises(BadSetting, match="chunk"):
        train(school, planned(school, bert, "multi", chunk=3))


@pytest.mark.parametrize("kind", list(OPENS))
def test_another_kind_than_full_is_refused_before_anything_runs(school: Store, bert: str, kind: str) -> None:
    for way in METHODS.keys() - {"full"}:
        with pytest.raises(BadSetting, match="is for dense students"):
            planned(school, bert, kind, **{"method": way})


@pytest.mark.parametrize("kind", list(OPENS))
def test_other_runtimes_are_refused_and_a_copy_is_not(school: Store, bert: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="written for dense ones alone") as caught:
        export_student(school, f"{kind}:{bert}", tmp_path / "taken", ExportStudentSettings(runtimes=("onnx",)))
    assert OPENS[kind] in caught.value.hint
    assert not (tmp_path / "taken").exists()
    assert f"{OPENS[kind]} opens it there" in export_student(school, f"{kind}:{bert}", tmp_path / "taken").in_words


def test_agreement_of_products_is_said_and_called_no_cosines(school: Store, bert: str, tmp_path: Path) -> None:
    model = BertForMaskedLM.from_pretrained(bert)
    # Words as heavy as a trained SPLADE's, whose products go far beyond 1.
    torch.nn.init.constant_(model.cls.predictions.bias, 3.0)
    heavy = shutil.copytree(bert, tmp_path / "heavy")
    model.save_pretrained(heavy)
    for name in (f"sparse:{heavy}", f"multi:{bert}"):
        evaluate(school, name, "test")
    found = teacher_agreement(school, f"multi:{bert}", "toy", before=f"sparse:{heavy}")
    assert found.no_cosine == (f"sparse:{heavy}",)
    assert found.headline is not None
    assert found.headline.measure == "Kendall"
    assert found.after["KL"].mean > 0
