"""A deterministic training: the same seed gives the same bytes, whatever number of threads torch has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import faiss
import pytest
import torch

from tests import tiny
from tests.shell import shell
from tests.steps.classes import WORDS
from tests.steps.teach.quick import QUICK
from tests.trainer.conftest import save_bert
from workbench import machine
from workbench.errors import BadSetting
from workbench.steps.teach.planning.plan import plan
from workbench.steps.teach.train import train
from workbench.store import Store
from workbench.trainer import TrainSettings

DETERMINISTIC = replace(QUICK, batch_size=8, steps=6, evaluate_every=6, deterministic=True)
BASES = ("static", "transformer")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return bases that are wide enough for several threads to share in each sum."""
    folder = tmp_path_factory.mktemp("wide")
    tiny.static(seed=1, width=8_192, words=WORDS).save_pretrained(str(folder / "static"), create_model_card=False)
    bert = save_bert(folder / "bert", hidden_size=384, intermediate_size=1_024, max_position_embeddings=32)
    return {"static": str(folder / "static"), "transformer": str(bert)}


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads(), faiss.omp_get_max_threads()
    yield
    torch.set_num_threads(before[0])
    faiss.omp_set_num_threads(before[1])


def weights(path: str) -> str:
    """Return the SHA-256 of a student's weights."""
    files = sorted(Path(path).rglob("*.safetensors"))
    assert files
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("name", BASES)
def test_the_same_seed_gives_the_same_bytes_with_any_number_of_threads(
    school: Store, bases: dict[str, str], name: str, threads: None
) -> None:
    digests = []
    for turn, count in enumerate((2, 2, 1)):
        torch.set_num_threads(count)
        result = train(school, plan(school, bases[name], "toy", DETERMINISTIC, f"{name} {turn}"))
        assert torch.get_num_threads() == count
        digests.append(weights(result.path))
    assert len(set(digests)) == 1
    other = train(school, plan(school, bases[name], "toy", replace(DETERMINISTIC, seed=14), "another seed"))
    assert weights(other.path) != digests[0]


def test_one_thread_calculates_within_and_as_many_as_before_after(threads: None) -> None:
    torch.set_num_threads(2)
    faiss.omp_set_num_threads(2)
    with pytest.raises(KeyError), machine.deterministic():
        assert (torch.get_num_threads(), faiss.omp_get_max_threads()) == (1, 1)
        raise KeyError
    with machine.deterministic(False):
        assert (torch.get_num_threads(), faiss.omp_get_max_threads()) == (2, 2)


def test_what_the_clock_or_a_measurement_decides_is_refused_or_fixed(school: Store, bases: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match="by the clock"):
        TrainSettings(deterministic=True, minutes=1.0)
    with pytest.raises(BadSetting, match="true or false"):
        TrainSettings(deterministic="yes")  # type: ignore[arg-type]
    assert plan(school, bases["transformer"], "toy", DETERMINISTIC).settings.precision == "float32"


def test_the_shell_asks_for_it_in_train_and_sweep(school: Store, untrained: str) -> None:
    planned = shell(
        "train", untrained, "--teacher", "toy", "--deterministic", "--plan", "--json", workspace=school.path
    )
    assert planned.code == 0, planned.err
    assert '"deterministic": true' in planned.out
    refused = shell(
        "sweep", untrained, "--teacher", "toy", "--deterministic", "--grid", "loss=kl", "--minutes", "1",
        workspace=school.path,
    )  # fmt: skip
    assert (refused.code, "by the clock" in refused.err) == (1, True)
