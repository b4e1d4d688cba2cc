"""The table of teachers: what it refuses, and that looking at it is free."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workbench.errors import BadSetting, UnknownName
from workbench.teachers import TEACHERS, teacher


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


def test_making_a_teacher_loads_no_model_library() -> None:
    code = (
        "import sys; from workbench.teachers import teacher; teacher('lexical'); teacher('likelihood', model='x/y');"
        "heavy = {'torch', 'transformers', 'huggingface_hub'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(TEACHERS) == {"lexical", "likelihood"}
