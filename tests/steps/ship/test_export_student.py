"""What is taken away opens elsewhere, with its loss measured; what is pushed is what was shown."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import workbench as wb
from tests.shell import shell
from tests.steps import classes
from workbench.errors import BadSetting, Conflict, NothingToDo, UnknownName, WorkbenchError
from workbench.records import Qrel
from workbench.runtimes import RuntimeEncoder
from workbench.steps.ship import push as pushing
from workbench.store import Store

absent = [name for name in ("onnx", "onnxruntime", "onnxscript") if not find_spec(name)]
installed = pytest.mark.skipif(bool(absent), reason=f"the extra `runtimes` is not installed: {', '.join(absent)}")


class Made(NamedTuple):
    store: Store
    student: str
    folder: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("takeaway")
    store = classes.collection(folder / "workspace")
    settings = wb.TrainSettings(steps=8, evaluate_every=4, batch_size=4)
    result = wb.train(store, wb.plan(store, classes.base(folder / "base"), "toy", settings, "mine"))
    return Made(store, result.student, Path(result.path))


def test_a_copy_opens_with_sentence_transformers_and_has_a_card(made: Made, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    taken = wb.export_student(made.store, made.student, tmp_path / "away")
    opened = SentenceTransformer(taken.path, device="cpu", local_files_only=True)
    own = SentenceTransformer(str(made.folder), device="cpu", local_files_only=True)
    assert (opened.encode(["answer1"]) == own.encode(["answer1"])).all()
    assert "# `mine`" in (tmp_path / "away" / "README.md").read_text("utf-8")
    assert taken.losses == ()
    assert taken.size == (made.folder / "model.safetensors").stat().st_size


@installed
def test_the_loss_is_measured_printed_and_kept(made: Made, tmp_path: Path) -> None:
    away = tmp_path / "away"
    taken = wb.export_student(made.store, made.student, away, wb.ExportStudentSettings(("onnx",), int8=True, check=5))
    assert (taken.queries, taken.passages) == (5, 24)
    plain, small = taken.losses
    assert [each.measure for each in plain.comparisons] == ["R@1", "AP", "nDCG@10"]
    assert all(each.difference.mean == 0 for each in plain.comparisons)
    assert plain.least_cosine > 0.99999
    assert plain.least_cosine > small.least_cosine > 0.99
    assert small.size < plain.size
    assert f"{plain.texts:,.0f} texts a second" in taken.in_words
    kept = json.loads((away / "quality.json").read_text("utf-8"))
    assert kept["losses"][1]["cosine"] == small.cosine
    assert kept["machine"]
    assert str(away) not in json.dumps(kept)
    assert "| `onnx/model_qint8.onnx` |" in (away / "README.md").read_text("utf-8")
    vectors = RuntimeEncoder(away, small.file).queries(["question1 the"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@installed
def test_the_measures_are_those_that_evaluate_finds(made: Made, tmp_path: Path) -> None:
    taken = wb.export_student(made.store, made.student, tmp_path / "away", wb.ExportStudentSettings(("onnx",), check=0))
    found = wb.evaluate(made.store, made.student)
    for each in taken.losses[0].comparisons:
        assert each.before == found.measures[each.measure]


@installed
def test_a_big_collection_is_cut_to_candidates_and_qrels(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.steps.ship.conversion_loss.WHOLE", 10)
    taken = wb.export_student(made.store, made.student, tmp_path / "away", wb.ExportStudentSettings(("onnx",), check=1))
    assert taken.passages == 6


@installed
def test_without_judgements_vectors_are_compared_all_the_same(tmp_path: Path) -> None:
    store = Store(tmp_path / "workspace", create=True)
    store.add_collection(classes.QUERIES, classes.PASSAGES)
    taken = wb.export_student(
        store, classes.base(tmp_path / "base"), tmp_path / "away", wb.ExportStudentSettings(("onnx",), check=3)
    )
    assert taken.losses[0].comparisons == ()
    assert taken.losses[0].least_cosine > 0.99999
    assert "no query is judged" in taken.in_words


def test_nothing_is_overwritten_or_left_half_written(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(Conflict, match="exists already"):
        wb.export_student(made.store, made.student, tmp_path / "there")
    monkeypatch.setattr(
        "workbench.steps.ship.export_student._copy", lambda *_: (_ for _ in ()).throw(OSError("disk full"))
    )
    with pytest.raises(OSError, match="disk full"):
        wb.export_student(made.store, made.student, tmp_path / "away")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(UnknownName, match="onnx, openvino"):
        wb.ExportStudentSettings(("tflite",))
    with pytest.raises(BadSetting, match="Add --runtime onnx"):
        wb.ExportStudentSettings(int8=True)
    with pytest.raises(BadSetting, match="0 takes all"):
        wb.ExportStudentSettings(check=-1)


def test_a_base_keeps_its_own_card(tmp_path: Path) -> None:
    store = Store(tmp_path / "workspace", create=True)
    store.add_collection(classes.QUERIES, classes.PASSAGES, [Qrel("test0", "p0-0", 1)])
    base = Path(classes.base(tmp_path / "base"))
    (base / "README.md").write_text("---\nlicense: mit\n---\nTheirs.\n")
    settings = wb.ExportStudentSettings() if absent else wb.ExportStudentSettings(("onnx",))
    wb.export_student(store, str(base), tmp_path / "away", settings)
    card = (tmp_path / "away" / "README.md").read_text("utf-8")
    assert card.startswith("---\nlicense: mit\n---\nTheirs.\n")
    assert ("## Other runtimes" in card) is not bool(absent)
    assert (base / "README.md").read_text() == "---\nlicense: mit\n---\nTheirs.\n"


# --- push


class Hub:
    """The hub's interface as far as a push uses it; `trouble` is raised where a call would go out."""

    trouble: Exception | None = None

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        Hub.last = self

    def whoami(self) -> dict[str, str]:
        if Hub.trouble:
            raise Hub.trouble
        return {"name": "ada"}

    def create_repo(self, repo_id: str, **options: Any) -> Any:
        from huggingface_hub import RepoUrl

        self.calls.append((repo_id, options))
        return RepoUrl(f"https://huggingface.co/{repo_id}")

    def upload_folder(self, **options: Any) -> None:
        self.calls.append(("upload", options))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    monkeypatch.setattr(Hub, "trouble", None)
    monkeypatch.setattr(Hub, "last", None, raising=False)
    return Hub


def test_a_push_uploads_what_was_shown_and_no_more(made: Made, hub: Any) -> None:
    found = pushing.files_to_push(made.store, made.student)
    assert {"README.md", "student.json", "model.safetensors"} <= {name for name, _ in found.files}
    (made.folder / "late[1].txt").write_text("secret")
    pushed = wb.push(found, "ada/mine", private=True)
    (made.folder / "late[1].txt").unlink()
    (repository, options), (_, upload) = hub.last.calls
    assert (repository, options["private"]) == ("ada/mine", True)
    assert upload["folder_path"] == str(made.folder)
    assert "late[1].txt" not in upload["allow_patterns"]
    assert set(upload["allow_patterns"]) == {name for name, _ in found.files}
    assert "https://huggingface.co/ada/mine" in pushed.in_words


def test_nothing_is_uploaded_without_a_yes(made: Made, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    said = shell("push", made.student, "ada/mine", workspace=made.store.path)
    assert (said.code, said.out) == (0, "Nothing was uploaded.\n")
    assert "to ada/mine on the hub, for everyone to see" in said.err
    assert "README.md" in said.err
    assert hub.last is None
    assert "ada/mine" in shell("push", made.student, "ada/mine", "--yes", workspace=made.store.path).out


def test_only_what_was_made_here_is_pushed_and_only_with_a_card(made: Made, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="somebody else's model"):
        pushing.files_to_push(made.store, classes.base(tmp_path / "base"))
    taken = wb.export_student(made.store, made.student, tmp_path / "away")
    assert pushing.files_to_push(made.store, taken.path).path == taken.path
    (tmp_path / "away" / "README.md").unlink()
    with pytest.raises(NothingToDo, match="no model card"):
        pushing.files_to_push(made.store, taken.path)


def _troubles() -> list[tuple[Exception, str]]:
    import httpx
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    refused = httpx.Response(403, request=httpx.Request("GET", "https://huggingface.co"))
    return [
        (LocalTokenNotFoundError("no token"), "hf auth login"),
        (HfHubHTTPError("403 Forbidden", response=refused), "The hub refused: 403 Forbidden"),
        (HFValidationError("odd"), "cannot name a repository"),
        (httpx.ConnectError("no route"), "cannot be reached"),
        (ConnectionError("no route"), "cannot be reached"),
    ]


@pytest.mark.parametrize(("trouble", "said"), _troubles())
def test_trouble_with_the_hub_is_told_in_words(made: Made, hub: Any, trouble: Exception, said: str) -> None:
    hub.trouble = trouble
    with pytest.raises(WorkbenchError, match=said):
        wb.push(pushing.files_to_push(made.store, made.student), "ada/mine")
