"""`workbench health`: the sentence, the figures and the pairs without a utility."""

from __future__ import annotations

from tests.conftest import utility
from tests.shell import shell
from workbench.records import Failure
from workbench.store import Store


def test_the_sentence_the_figures_and_the_pairs_are_printed(store: Store) -> None:
    store.add_scored([Failure("007", "ü", "toy", "no grade", "unreadable", "hm")])
    store.add_scored([utility("q1", "p/1", 1.0, "-odd"), utility("q1", "p 2", 3.0, "-odd")])
    printed = shell("health", "toy", "--split", "test", "--student", "before", "--other=-odd", workspace=store.path)
    assert printed.out.startswith("toy is not shown to be fit to teach before: it is measured on 2 queries")
    assert "AUC" in printed.out
    assert "Kendall" in printed.out
    assert "0 failed, 0 refused, 0 unreadable" in printed.err
    result = shell("health", "toy", "--json", workspace=store.path).json
    assert result["counts"] == {"scored": 8, "failed": 0, "refused": 0, "unreadable": 1}
    assert result["figures"]["AUC"]["n"] == 2
    assert shell("health", "toy", "--teacher-temperature", "-1", workspace=store.path).code == 1
