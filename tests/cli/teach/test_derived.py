"""`workbench reading` and `workbench combine`: teachers that are computed from stored utilities."""

from __future__ import annotations

from tests.conftest import utility
from tests.shell import shell
from workbench.store import Store


def test_a_reading_prints_its_name_and_its_unit(store: Store) -> None:
    printed = shell("reading", "toy", "--definition", "perplexity", "--answers", "all", workspace=store.path)
    assert "toy|perplexity:all: 8 pairs in perplexity, 8 of them new." in printed.out
    assert shell("reading", "--json", workspace=store.path).json["teacher"] == "toy|mean:best"
    assert (
        "There is no definition of utility named 'x'" in shell("reading", "--definition", "x", workspace=store.path).err
    )


def test_an_ensemble_says_which_pairs_it_leaves_out(store: Store) -> None:
    store.add_scored([utility("q1", "p/1", 1.0, "-odd"), utility("q1", "p 2", 3.0, "-odd")])
    printed = shell(
        "combine", "--weights", "2,1", "--normalisation", "min-max", "--", "toy", "-odd", workspace=store.path
    )
    assert "ensemble:min-max(1*-odd + 2*toy): 2 pairs in share of range, 2 of them new." in printed.out
    assert "-odd lacks 6" in printed.out
    assert "not a list of numbers" in shell("combine", "a", "b", "--weights", "a", workspace=store.path).err
