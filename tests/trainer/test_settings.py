"""Settings: which are refused, what the presets hold, and that reading them loads no torch."""

import subprocess
import sys

import pytest

from workbench.errors import UnknownName
from workbench.trainer import PRESETS, TrainSettings, preset


@pytest.mark.parametrize(
    "bad",
    [
        {"loss": "hinge"},
        {"teacher_temperature": 0.0},
        {"student_temperature": float("nan")},
        {"batch_size": 0},
        {"candidates": 2.5},
        {"steps": True},
        {"negatives": -1},
        {"learning_rate": 0.0},
        {"minutes": -1.0},
        {"warmup": 1.5},
        {"schedule": "cosine"},
        {"precision": "half"},
        {"accumulate": 3},
        {"chunk": 0},
        {"refresh": -1},
        {"hard": 0},
        {"refresh": 3, "negatives": 0},
        {"curriculum": 1.5},
        {"dropout": 1.0},
        {"topics": 33},
        {"frozen_layers": -1},
    ],
)
def test_settings_that_cannot_work_say_so(bad):
    with pytest.raises(Exception, match=next(iter(bad)) if "loss" not in bad else "hinge"):
        TrainSettings(**bad)


def test_presets_are_settings_that_work():
    assert {name: TrainSettings(**preset(name)).steps for name in PRESETS} == {"cpu": 200, "gpu": 2_000}
    assert TrainSettings(**preset("cpu")).minutes <= 2
    with pytest.raises(UnknownName, match="tpu"):
        preset("tpu")


def test_importing_the_trainer_loads_no_torch():
    program = "import sys, workbench.trainer, workbench.losses; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
