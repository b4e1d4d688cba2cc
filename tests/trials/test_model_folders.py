"""Folders of models from elsewhere run no code: neither modules that they bring, nor pickles for weights."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from tests import tiny
from tests.teachers import models
from workbench import students, teachers
from workbench.errors import ModelUnavailable, WorkbenchError
from workbench.students import Student

MARK = "code-ran"
CODE = """
from pathlib import Path
Path({mark!r}).touch()
from transformers import BertConfig, BertForSequenceClassification, BertModel, LlamaForCausalLM, PreTrainedTokenizerFast
from torch.nn import Module
class Config(BertConfig): pass
class Model(BertModel): pass
class Causal(LlamaForCausalLM): pass
class Classifier(BertForSequenceClassification): pass
class Tokenizer(PreTrainedTokenizerFast): pass
class Part(Module):
    def __init__(self, *args, **kwargs): super().__init__()
    load = classmethod(lambda cls, *args, **kwargs: cls())
    def forward(self, features): return features
"""
AUTO_MAP = {
    "AutoConfig": "theirs.Config", "AutoModel": "theirs.Model", "AutoModelForCausalLM": "theirs.Causal",
    "AutoModelForSequenceClassification": "theirs.Classifier",
    "AutoTokenizer": ["theirs.Tokenizer", "theirs.Tokenizer"],
}  # fmt: skip


class Payload:
    """What leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


def with_module(folder: Path, mark: Path) -> None:
    """Let the configurations of a folder name classes in a module that it brings."""
    (folder / "theirs.py").write_text(CODE.format(mark=str(mark)), encoding="utf-8")
    for name in ("config.json", "tokenizer_config.json"):
        changed(folder / name, auto_map=AUTO_MAP)


def with_unknown_kind(folder: Path, mark: Path) -> None:
    """The same for a kind of model that the library does not know, which nothing but the module could open."""
    with_module(folder, mark)
    changed(folder / "config.json", model_type="theirs", architectures=["Model"])


def with_custom_part(folder: Path, mark: Path) -> None:
    """Let a list of modules name one that the folder brings."""
    (folder / "theirs.py").write_text(CODE.format(mark=str(mark)), encoding="utf-8")
    listed = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Part", "type": "theirs.Part"},
    ]
    (folder / "1_Part").mkdir()
    (folder / "1_Part" / "config.json").write_text("{}")
    (folder / "modules.json").write_text(json.dumps(listed))


def with_pickle(folder: Path, mark: Path) -> None:
    """Put a pickle in the place of the weights, in the form that torch wrote before it wrote archives."""
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(mark)))


def with_archive(folder: Path, mark: Path) -> None:
    """Put a pickle in the place of the weights, in an archive as torch writes it."""
    (folder / "model.safetensors").unlink()
    torch.save({"weight": torch.zeros(1)}, folder / "whole.bin")
    with (
        zipfile.ZipFile(folder / "whole.bin") as whole,
        zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive,
    ):
        for name in whole.namelist():
            archive.writestr(name, pickle.dumps(Payload(mark)) if name.endswith("data.pkl") else whole.read(name))
    (folder / "whole.bin").unlink()


FORMS = (with_module, with_unknown_kind, with_custom_part, with_pickle, with_archive)


def changed(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | values), encoding="utf-8")


@pytest.mark.parametrize("form", FORMS)
def test_a_student_s_folder_runs_no_code(form: Callable[[Path, Path], None], tmp_path: Path) -> None:
    folder, mark = tiny.bert(tmp_path / "theirs"), tmp_path / MARK
    form(folder, mark)
    student = Student("theirs", folder, "theirs")
    if form is with_module:  # the kind is one that the library knows by itself
        with suppress(WorkbenchError):
            students.load(student)
    else:
        with pytest.raises(ModelUnavailable, match="theirs"):
            students.load(student)
    assert not mark.exists()


@pytest.mark.parametrize("form", [with_module, with_unknown_kind, with_pickle, with_archive])
@pytest.mark.parametrize("kind", ["likelihood", "cross_encoder"])
def test_a_teacher_s_folder_runs_no_code(kind: str, form: Callable[[Path, Path], None], tmp_path: Path) -> None:
    folder, mark = tmp_path / "theirs", tmp_path / MARK
    models.write(folder) if kind == "likelihood" else tiny.bert(folder)
    form(folder, mark)
    with suppress(WorkbenchError):
        teachers.teacher(kind, model=folder).prepare(())
    assert not mark.exists()


@pytest.mark.parametrize("form", [with_pickle, with_archive])
def test_a_pickle_would_have_left_its_mark(form: Callable[[Path, Path], None], tmp_path: Path) -> None:
    """The trial itself is tried: whoever unpickles the file without care leaves the mark."""
    folder, mark = tiny.bert(tmp_path / "theirs"), tmp_path / MARK
    form(folder, mark)
    with suppress(Exception):
        torch.load(folder / "pytorch_model.bin", weights_only=False)
    assert mark.exists()
