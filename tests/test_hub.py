"""A model is found in one way, by students and teachers alike, or the error says why it is not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import huggingface_hub
import pytest
from huggingface_hub import errors

from tests import tiny
from tests.conftest import Snapshots
from tests.teachers import models
from workbench import hub
from workbench.errors import ModelUnavailable
from workbench.hub import MINILM, MINILM_REPOSITORY, ModelFiles, model_folder
from workbench.students import names
from workbench.teachers.likelihood import checkpoint

pytestmark = pytest.mark.usefixtures("snapshots")

FAMILIES = pytest.mark.parametrize("files", [names.FILES, checkpoint.FILES], ids=["student", "teacher"])


def test_no_model_is_opened_with_bars_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import sentence_transformers
    from transformers.utils import logging

    from workbench import students
    from workbench.teachers.likelihood.causal import load

    tiny.bert(tmp_path / "encoder")
    causal = models.write(tmp_path / "causal")
    logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    sentence_transformers.SentenceTransformer(str(tmp_path / "encoder"))
    assert "Loading weights" in capsys.readouterr().err, "the library draws bars when it is left alone"
    students.load(students.Student("encoder", tmp_path / "encoder"))
    load(causal, "float32")
    assert "Loading" not in capsys.readouterr().err
    assert logging.is_progress_bar_enabled(), "downloads and other programs keep theirs"  # type: ignore[no-untyped-call]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a package of weights that cannot be imported, only located."""
    folder = tmp_path / "site" / hub.PACKAGE
    tiny.bert(folder / "model")
    (folder / "__init__.py").write_text("raise ImportError('located, never imported')")
    monkeypatch.syspath_prepend(str(folder.parent))
    return folder / "model"


@FAMILIES
def test_a_folder_comes_first_then_the_cache_then_the_hub(
    files: ModelFiles, snapshots: Snapshots, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fetched, snapshot = tiny.bert(tmp_path / "fetched"), tiny.bert(tmp_path / "snapshot")
    snapshots["some/model"] = fetched
    assert model_folder("some/model", files) == fetched
    snapshots["cached some/model"] = snapshot
    assert model_folder("some/model", files) == snapshot
    tiny.bert(Path("some/model"))
    assert model_folder("some/model", files) == Path("some/model")
    (snapshot / "model.safetensors").unlink()
    assert hub.cached("some/model", files) is None, "a snapshot without weights is none"


@FAMILIES
def test_all_minilm_is_packaged(
    files: ModelFiles, snapshots: Snapshots, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MINILM_SHA256", hub._sha256(package / "model.safetensors", 0))
    assert model_folder(MINILM, files) == model_folder(MINILM_REPOSITORY, files) == package


def test_packaged_weights_must_be_the_published_ones(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        hub.packaged()
    monkeypatch.setattr(hub, "MINILM_SHA256", hub._sha256(package / "model.safetensors", 0))
    assert hub.packaged() == package


def test_no_package_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "PACKAGE", "no_such_package_here")
    assert hub.packaged() is None


def _answer(kind: type[errors.HfHubHTTPError], status: int) -> Exception:
    return kind("refused", response=httpx.Response(status, request=httpx.Request("GET", "https://hub")))


@FAMILIES
@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (errors.LocalEntryNotFoundError("x"), "cannot be reached"),
        (ConnectionError("x"), "cannot be reached"),
        (_answer(errors.RepositoryNotFoundError, 404), "no public repository"),
        (_answer(errors.GatedRepoError, 403), "licence"),
        (errors.HFValidationError("x"), "can have it"),
        (OSError("No space left\non device"), r"No space left\.$"),
        (RuntimeError("The disk is full."), r"The disk is full\.$"),
    ],
)
def test_says_in_words_why_the_hub_gives_nothing(
    files: ModelFiles, trouble: Exception, words: str, snapshots: Snapshots
) -> None:
    snapshots["some/model"] = trouble
    with pytest.raises(ModelUnavailable) as caught:
        model_folder("some/model", files)
    assert "'some/model'" in caught.value.problem
    assert caught.value.hint == files.hint
    assert re.search(words, caught.value.problem)


@FAMILIES
def test_a_folder_or_a_repository_without_weights_is_refused(
    files: ModelFiles, snapshots: Snapshots, tmp_path: Path
) -> None:
    for name in ("some/data", str(tmp_path)):
        snapshots["some/data"] = tmp_path
        with pytest.raises(ModelUnavailable, match="lacks") as caught:
            model_folder(name, files)
        assert name in caught.value.problem


@FAMILIES
def test_fetches_only_what_is_needed(files: ModelFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tiny.bert(tmp_path / "bert")
    (repository / "onnx").mkdir()
    (repository / "onnx" / "model.onnx").write_bytes(b"")
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda _, **options: given.update(options) or str(repository)
    )
    hub.download("some/model", files)
    listed = [path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file()]
    patterns = {name: given[name] for name in ("allow_patterns", "ignore_patterns")}
    fetched = set(huggingface_hub.utils.filter_repo_objects(listed, **patterns))
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= fetched
    assert "onnx/model.onnx" not in fetched
