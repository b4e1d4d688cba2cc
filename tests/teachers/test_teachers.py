"""The table of teachers: what it refuses, and that looking at it is free."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from workbench.errors import BadSetting, UnknownName
from workbench.records import UNITS
from workbench.teachers import TEACHERS, TeacherKind, teacher, teacher_settings


def test_unknown_kinds_and_settings_are_named() -> None:
    with pytest.raises(UnknownName, match="lexical, likelihood"):
        teacher("oracle")
    with pytest.raises(BadSetting, match=r"'depth'.*smoothing"):
        teacher("lexical", depth=3)
    with pytest.raises(BadSetting, match="needs the setting 'model'"):
        teacher("likelihood")


@pytest.mark.parametrize(
    "settings",
    [
        {"normalisation": "max"},
        {"dtype": "int8"},
        {"bos": "yes"},
        {"max_tokens": 0},
        {"max_passage_tokens": -1},
        {"token_budget": None},
        {"token_budget": "8192"},
    ],
)
def test_likelihood_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(BadSetting):
        teacher("likelihood", model="anything", **settings)


@pytest.mark.parametrize("kind", TEACHERS)
def test_every_kind_says_what_it_and_its_settings_are(kind: str) -> None:
    assert TEACHERS[kind].about
    assert not TEACHERS[kind].about.endswith(".")
    for setting in teacher_settings(kind):
        assert setting.about
        assert setting.default is None or not setting.required


@pytest.mark.parametrize(("normalisation", "unit"), [("mean", "nats per token"), ("sum", "nats")])
@pytest.mark.parametrize(("kind", "settings"), [("lexical", {}), ("likelihood", {"model": "x/y"})])
def test_a_teacher_has_a_unit(kind: str, settings: dict[str, str], normalisation: str, unit: str) -> None:
    assert teacher(kind, normalisation=normalisation, **settings).unit == unit
    assert unit in UNITS


@dataclass(frozen=True)
class Constant:
    """A toy teacher's settings."""

    value: float = field(metadata={"about": "what every passage is worth"})


class Toy:
    """A teacher to whom all passages are alike."""

    def __init__(self, settings: Constant) -> None:
        self.settings = settings


def test_one_line_adds_a_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEACHERS, "toy", TeacherKind("the same for all", f"{__name__}:Toy", f"{__name__}:Constant"))
    toy = teacher("toy", value=2.0)
    assert isinstance(toy, Toy)
    assert toy.settings == Constant(2.0)
    assert teacher_settings("toy")[0].about == "what every passage is worth"
    with pytest.raises(BadSetting, match="needs the setting 'value'"):
        teacher("toy")


def test_making_a_teacher_loads_no_model_library() -> None:
    code = (
        "import sys; from workbench.teachers import teacher; teacher('lexical'); teacher('likelihood', model='x/y');"
        "heavy = {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(TEACHERS) >= {"lexical", "likelihood"}
