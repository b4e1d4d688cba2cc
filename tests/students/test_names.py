"""A name finds the same student in every order of circumstances, or says why it finds none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests import tiny
from tests.conftest import Snapshots
from workbench import hub, students
from workbench.errors import BadInput, BadSetting, Conflict, ModelUnavailable
from workbench.students import BM25, MINILM, Student, built, names, static

pytestmark = pytest.mark.usefixtures("snapshots")


def test_bm25_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no weights"):
        students.find(BM25, tmp_path)


def test_a_folder_is_one_model_however_its_path_is_spelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.static().save_pretrained(str(tmp_path / "m"), create_model_card=False)
    (tmp_path / "link").symlink_to(tmp_path / "m")
    monkeypatch.chdir(tmp_path)
    spelled = ("m", "./m", "m/", "link", str(tmp_path / "m"))
    assert all(students.is_same_model("m", other) for other in spelled)
    assert students.is_same_model("static:./m", f"static:{tmp_path / 'm'}")
    assert students.is_same_model(MINILM, hub.MINILM_REPOSITORY)
    assert not any(students.is_same_model("m", other) for other in ("static:m", "n", "M", "", BM25))


def test_a_trained_student_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = students.save(tiny.static(), Student("bert", tmp_path / "students" / "anywhere", MINILM))
    tiny.bert(tmp_path / "bert")
    monkeypatch.chdir(tmp_path)
    assert students.find("bert", tmp_path / "students") == mine
    assert students.find("bert", tmp_path / "empty") == Student("bert", Path("bert"))


def test_where_a_name_is_unknown_the_students_here_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable) as refused:
        students.find("mien", tmp_path)
    assert "Students here" not in refused.value.hint
    students.save(tiny.static(), Student("mine", tmp_path / "mine", MINILM))
    with pytest.raises(ModelUnavailable, match="'mien' cannot be had") as refused:
        students.find("mien", tmp_path)
    assert refused.value.hint.startswith("Students here: mine. Give the path")


def test_a_path_is_a_student(tmp_path: Path) -> None:
    plain = str(tiny.bert(tmp_path / "models" / "bert"))
    assert students.find(plain, tmp_path) == Student(plain, Path(plain))
    mine = students.save(tiny.static(), Student("mine", tmp_path / "students" / "mine", "a base"))
    assert students.find(str(mine.path), tmp_path / "students").name == "mine"
    theirs = students.find(str(mine.path), tmp_path / "elsewhere")
    assert (theirs.name, theirs.base) == (str(mine.path), "a base")


def test_a_static_student_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = str(tiny.bert(tmp_path / "bert"))
    built = students.find(f"static:{base}", tmp_path / "students")
    assert (built.name, built.base, built.recipe["method"]) == (f"static:{base}", base, "static")
    monkeypatch.setattr(static, "build", lambda _: pytest.fail("built twice"))
    assert students.find(f"static:{base}", tmp_path / "students") == built


def test_a_static_student_is_the_mean_of_all_its_tokens(tmp_path: Path) -> None:
    base = Student("bert", tiny.bert(tmp_path / "bert"))
    table = students.load(base)[0].auto_model.get_input_embeddings().weight.detach().numpy()
    model = students.load(students.find(f"static:{base.path}", tmp_path / "students"))
    # The base cuts at 8 tokens; a static student reads on.
    (vector,) = model.encode(["oil " * 9 + "sea " * 9])
    oil, sea = (table[2 + tiny.WORDS.index(word)] for word in ("oil", "sea"))
    assert vector == pytest.approx((oil + sea) / ((oil + sea) ** 2).sum() ** 0.5, abs=1e-5)


def test_a_static_student_needs_a_table_and_its_own_folder(tmp_path: Path) -> None:
    students.save(tiny.static(), Student("flat", tmp_path / "flat"))
    with pytest.raises(ModelUnavailable, match="cannot become static"):
        students.find("static:flat", tmp_path)
    students.save(tiny.static(), Student("static-bert", tmp_path / "static-bert"))
    with pytest.raises(Conflict, match="'static-bert'"):
        built.built("static", Student("bert", tiny.bert(tmp_path / "bert")), tmp_path)
    (tmp_path / "static-other").mkdir()
    with pytest.raises(BadInput):
        built.built("static", Student("other", tmp_path / "bert"), tmp_path)


@pytest.mark.parametrize("name", [MINILM, hub.MINILM_REPOSITORY])
def test_minilm_comes_from_the_cache_then_the_package_then_the_hub(
    name: str, snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, package = tiny.bert(tmp_path / "snapshot"), tmp_path / "package"
    snapshots[hub.MINILM_REPOSITORY] = snapshot
    monkeypatch.setattr(hub, "packaged", lambda: None)
    assert students.find(name, tmp_path) == Student(MINILM, snapshot)
    monkeypatch.setattr(hub, "packaged", lambda: package)
    assert students.find(name, tmp_path) == Student(MINILM, package)
    snapshots[f"cached {hub.MINILM_REPOSITORY}"] = snapshot
    assert students.find(name, tmp_path) == Student(MINILM, snapshot)
    (snapshot / "model.safetensors").unlink()
    assert students.find(name, tmp_path) == Student(MINILM, package), "a snapshot without weights is none"


def test_a_repository_without_weights_is_no_student(snapshots: Snapshots, tmp_path: Path) -> None:
    snapshots["some/data"] = tmp_path
    with pytest.raises(ModelUnavailable, match="lacks"):
        students.find("some/data", tmp_path)
    snapshots["some/model"] = tiny.bert(tmp_path / "bert")
    assert students.find("some/model", tmp_path) == Student("some/model", tmp_path / "bert")


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    for name in ("", " ", "static:"):
        with pytest.raises(BadSetting, match="empty"):
            names.find(name, tmp_path)


@pytest.mark.skipif(
    importlib.util.find_spec(hub.PACKAGE) is None, reason="the package of all-MiniLM-L6-v2 is not installed"
)
def test_the_packaged_minilm_works(tmp_path: Path) -> None:
    model = students.load(students.find(MINILM, tmp_path), device="cpu")
    near, far = model.similarity(
        model.encode(["Who sets the price of oil?"]),
        model.encode(["Oil prices follow supply and demand.", "The cat sleeps on the sofa."]),
    )[0]
    assert near > 0.5 > 0.2 > far
