"""Texts become unit vectors once, and stay so across interrupts, damage and processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from workbench import machine, students
from workbench.engines import engine
from workbench.errors import BadSetting, Conflict, WorkbenchError
from workbench.records import Progress
from workbench.retrieval import encode_work, encoder, precision
from workbench.retrieval.encode_work import EncodeWork
from workbench.retrieval.encoder import Encoder
from workbench.retrieval.fingerprint import fingerprint
from workbench.retrieval.precision import Choice
from workbench.retrieval.vector_cache import VectorCache, key
from workbench.students import Student

TEXTS = ["The sea is salt", "oil", "Rivers run to the sea", "what raised the price of oil in 1973", "oil"]


@pytest.fixture
def student(tmp_path: Path) -> Student:
    return students.save(tiny.static(), Student("tiny", tmp_path / "students" / "tiny"))


@pytest.fixture
def transformer(tmp_path: Path) -> Student:
    return Student("bert", tiny.bert(tmp_path / "bert"))


def _encoded_texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets every text that a model really encodes."""
    encoded: list[str] = []
    real = Encoder._encode

    def record(self: Encoder, model: object, kind: str, texts: list[str]) -> np.ndarray:
        encoded.extend(texts)
        return real(self, model, kind, texts)

    monkeypatch.setattr(Encoder, "_encode", record)
    return encoded


def test_gives_the_models_own_directions_at_unit_length(student: Student, tmp_path: Path) -> None:
    vectors = Encoder(student, tmp_path / "vectors").passages(TEXTS)
    own = students.load(student).encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors, own / np.linalg.norm(own, axis=1, keepdims=True), atol=1e-6)


def test_encodes_each_text_once(student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = _encoded_texts(monkeypatch)
    first = Encoder(student, tmp_path / "vectors").passages(TEXTS)
    assert sorted(encoded) == sorted(set(TEXTS))
    monkeypatch.setattr(encode_work, "load", lambda _: pytest.fail("the model was loaded again"))
    np.testing.assert_array_equal(Encoder(student, tmp_path / "vectors").passages(TEXTS[::-1]), first[::-1])
    assert Encoder(student, tmp_path / "vectors").passages([]).shape[0] == 0


def test_texts_are_held_a_few_shards_at_a_time(
    student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "TEXTS_IN_FILE", 20)
    monkeypatch.setattr(Encoder, "_encode", lambda self, model, kind, texts: np.eye(8, dtype=np.float32)[: len(texts)])
    monkeypatch.setattr(encode_work, "TEXTS_IN_CALL", 8)
    encodes = Encoder(student, tmp_path / "vectors")
    encodes.queries(TEXTS)  # what is imported is no text
    tracemalloc.start()
    blocks = [range(start, start + 10) for start in range(0, 1_000, 10)]
    vectors = encodes.stored_passages(lambda: ([f"{number} " * 10_000 for number in block] for block in blocks))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert vectors.shape == (1_000, 8)
    assert peak < 15 * 2**20, "the texts take 40 MB"


def test_what_has_changed_while_it_was_encoded_is_said(student: Student, tmp_path: Path) -> None:
    readings = iter([["oil"], ["salt"]])
    with pytest.raises(Conflict, match="changed while they were encoded"):
        Encoder(student, tmp_path / "vectors").stored_passages(lambda: [next(readings)])


def test_needs_no_torch_for_what_is_on_disk(student: Student, tmp_path: Path) -> None:
    Encoder(student, tmp_path / "vectors").queries(TEXTS)
    code = f"""
import sys
from dataclasses import replace
from pathlib import Path
from workbench.retrieval.encode_work import EncodeWork
from workbench.retrieval.encoder import Encoder
from workbench.students import find
folder, cache = Path({str(student.path.parent)!r}), Path({str(tmp_path / "vectors")!r})
vectors = Encoder(find("tiny", folder), cache).queries({TEXTS!r})
print(vectors.shape, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "(5, 8) False"


def test_an_interrupt_keeps_what_is_finished(student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode_work, "TEXTS_IN_CALL", 1)
    calls: list[Progress] = []

    def impatient(progress: Progress) -> None:
        calls.append(progress)
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Encoder(student, tmp_path / "vectors").passages(TEXTS, impatient)
    assert [(call.done, call.total) for call in calls] == [(0, 4), (1, 4), (2, 4)]
    encoded = _encoded_texts(monkeypatch)
    Encoder(student, tmp_path / "vectors").passages(TEXTS)
    assert len(encoded) == 2


@pytest.mark.parametrize("damage", ["cut", "header", "values", "keys", "fewer keys", "gone"])
def test_a_damaged_file_is_encoded_again(
    student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    before = np.array(Encoder(student, tmp_path / "vectors").passages(TEXTS))
    (keys,) = (tmp_path / "vectors").rglob("*.keys.npy")
    vectors = keys.with_name(keys.name.replace(".keys", ""))
    if damage == "cut":
        vectors.write_bytes(vectors.read_bytes()[:-5])
    elif damage == "header":
        vectors.write_bytes(b"nonsense")
    elif damage == "values":
        vectors.write_bytes(vectors.read_bytes()[:-8] + b"\xff" * 8)
    elif damage == "keys":
        keys.write_bytes(keys.read_bytes()[:-16])
    elif damage == "fewer keys":
        np.save(keys, np.load(keys)[:-1])
    else:
        vectors.unlink()
    encoded = _encoded_texts(monkeypatch)
    with pytest.warns(RuntimeWarning, match="damaged"):
        again = Encoder(student, tmp_path / "vectors").passages(TEXTS)
    np.testing.assert_array_equal(again, before)
    assert len(encoded) == 4


def test_drafts_and_vectors_without_keys_do_not_count(tmp_path: Path) -> None:
    cached = VectorCache(tmp_path)
    cached.add([key("query", "a")], np.array([[1, 0]], np.float32))
    (keys,) = tmp_path.glob("*.keys.npy")
    # Where a writer that was killed leaves what it had not finished: see files.aside.
    (tmp_path / ".aside-x").mkdir()
    keys.rename(tmp_path / ".aside-x" / keys.name)
    assert VectorCache(tmp_path).missing([key("query", "a")]).tolist() == [key("query", "a")]


def test_two_writers_see_each_others_vectors(tmp_path: Path) -> None:
    one, two = VectorCache(tmp_path), VectorCache(tmp_path)
    a, b = key("query", "a"), key("query", "b")
    assert one.missing([a, b]).tolist() == sorted([a, b])
    one.add([a], np.array([[1, 0]], np.float32))
    two.add([b], np.array([[0, 1]], np.float32))
    assert not len(one.missing([a, b]))
    assert not len(two.missing([a, b]))
    np.testing.assert_array_equal(one.take([b, a, b]), [[0, 1], [1, 0], [0, 1]])


def test_keys_tell_kinds_apart() -> None:
    assert key("query", "a") != key("passage", "a")


def test_names_the_text_without_a_vector(student: Student, tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="'qwerty'"):
        Encoder(student, tmp_path / "vectors").queries(["oil", "qwerty"])


def test_refuses_a_model_gone_astray(tmp_path: Path) -> None:
    model = tiny.static()
    model[0].embedding.weight.data[:] = float("nan")
    astray = students.save(model, Student("astray", tmp_path / "astray"))
    with pytest.raises(WorkbenchError, match="not a number"):
        Encoder(astray, tmp_path / "vectors").passages(["oil"])


def test_uses_the_prompts_of_queries_and_passages(tmp_path: Path) -> None:
    model = tiny.static()
    model.prompts = {"query": "sea ", "document": "salt "}
    prompted = students.save(model, Student("prompted", tmp_path / "prompted"))
    own_prompts = Encoder(prompted, tmp_path / "vectors")
    plain = Encoder(students.save(tiny.static(), Student("plain", tmp_path / "plain")), tmp_path / "vectors")
    np.testing.assert_allclose(own_prompts.queries(["oil"]), plain.queries(["sea oil"]), atol=1e-6)
    np.testing.assert_allclose(own_prompts.passages(["oil"]), plain.passages(["salt oil"]), atol=1e-6)


def test_the_fingerprint_follows_what_changes_vectors(student: Student, tmp_path: Path) -> None:
    before = fingerprint(student.path)
    (student.path / "README.md").write_text("about")
    (student.path / "history.jsonl").write_text("{}")
    (student.path / "student.json").write_text("{}")
    assert fingerprint(student.path) == before
    for name in ("config_sentence_transformers.json", "tokenizer.json", "model.safetensors"):
        file = student.path / name
        content = file.read_bytes()
        file.write_bytes(content + b" ")
        assert fingerprint(student.path) != before, name
        file.write_bytes(content)
    assert fingerprint(student.path) == before
    other = students.save(tiny.static(seed=1), Student("other", tmp_path / "other"))
    assert fingerprint(other.path) != before


def test_a_choice_of_precision_is_made_once_per_cpu(
    transformer: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[int] = []

    def measure(model: object, texts: list[str]) -> tuple[Choice, object]:
        measured.append(len(texts))
        return Choice("bfloat16", 2.0, 0.9999), None

    monkeypatch.setattr(encoder, "measure", measure)
    monkeypatch.setattr(machine, "fast_bfloat16", lambda: True)
    first, second = (Encoder(transformer, tmp_path / "vectors") for _ in range(2))
    vectors = first.passages(TEXTS)
    assert (first.precision, measured) == ("bfloat16", [5])
    second.queries(TEXTS)
    assert (second.precision, measured) == ("bfloat16", [5])
    monkeypatch.setattr(machine, "cpu_name", lambda: "another")
    elsewhere = Encoder(transformer, tmp_path / "vectors")
    np.testing.assert_array_equal(elsewhere.passages(TEXTS), vectors)
    assert measured == [5], "what is complete on disk needs no choice"
    monkeypatch.setattr(machine, "fast_bfloat16", lambda: False)
    elsewhere.passages(["salt"])
    assert (elsewhere.precision, measured) == ("float32", [5])


def test_a_static_student_stays_exact(student: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "fast_bfloat16", lambda: True)
    assert Encoder(student, tmp_path / "vectors").precision == "float32"


@pytest.mark.parametrize(
    ("speedup", "cosine", "expected"), [(0.0, 0.9, "bfloat16"), (1e9, 0.9, "float32"), (0.0, 1.1, "float32")]
)
def test_bfloat16_must_be_faster_and_close(
    transformer: Student, monkeypatch: pytest.MonkeyPatch, speedup: float, cosine: float, expected: str
) -> None:
    monkeypatch.setattr(precision, "SPEEDUP", speedup)
    monkeypatch.setattr(precision, "LEAST_COSINE", cosine)
    choice, half = precision.measure(students.load(transformer), TEXTS)
    assert choice.precision == expected
    assert (half is not None) == (expected == "bfloat16")
    assert 0.99 < choice.cosine < 1


def test_bfloat16_vectors_are_unit_vectors_near_the_exact_ones(transformer: Student, tmp_path: Path) -> None:
    exact = Encoder(transformer, tmp_path / "vectors", "float32").passages(TEXTS)
    near = Encoder(transformer, tmp_path / "vectors", "bfloat16").passages(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(near, axis=1), 1, atol=1e-6)
    assert not np.array_equal(exact, near)
    assert np.sum(exact * near, axis=1).min() > 0.99


def test_refuses_an_unknown_precision(student: Student, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="float8"):
        Encoder(student, tmp_path, "float8")


def test_through_shards_the_vectors_are_the_same(
    transformer: Student, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{text} {number}" for number in range(8) for text in TEXTS[:4]]
    expected = Encoder(transformer, tmp_path / "here", "float32").passages(texts)
    encoded = _encoded_texts(monkeypatch)
    shards = engine("local", shards=str(tmp_path / "shards"), rows=10)
    stopped = Encoder(transformer, tmp_path / "there", "float32", engine=shards)

    def interrupt(at: Progress) -> None:
        if at.done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.passages(texts, interrupt)
    assert len(encoded) == 20
    there = Encoder(transformer, tmp_path / "there", "float32", engine=shards)
    np.testing.assert_allclose(there.passages(texts), expected, atol=1e-6)
    assert len(encoded) == len(texts), "what was finished is not encoded again"
    assert not [*(tmp_path / "shards").rglob("*.parquet")]


def test_on_another_machine_it_must_be_the_same_model(transformer: Student, tmp_path: Path) -> None:
    here = Encoder(transformer, tmp_path / "vectors", "float32")
    work = EncodeWork(transformer, here.fingerprint, "passage", "float32", 32, encode=lambda texts: np.empty((0, 0)))
    travelled = pickle.loads(pickle.dumps(work))
    ((keys, vectors),) = travelled.start()(["oil"])
    assert keys == [key("passage", "oil")]
    np.testing.assert_allclose(vectors, here.passages(["oil"]), atol=1e-6)
    odd = ["", "-a", "half a \ud83d pair"]
    assert travelled.shard_from_table(travelled.shard_to_table(odd)) == odd
    with pytest.raises(Conflict, match="does not hold the student"):
        replace(travelled, fingerprint="another").start()
