"""How long a scoring will take is measured on some pairs, and nothing of that is kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.shell import worked
from tests.steps.classes import collection
from workbench.errors import NothingToDo
from workbench.steps.teach.scoring import score_time as module
from workbench.steps.teach.scoring.score import score
from workbench.steps.teach.scoring.score_time import score_time
from workbench.store import Store, views
from workbench.teachers import teacher


def test_missing_pairs_are_counted_and_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = collection(tmp_path / "workspace")
    before = views.counts(store).utilities
    monkeypatch.setattr(module, "BATCH", 2)
    clock = iter(range(0, 1_000, 2))
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    measured = score_time(store, teacher("lexical"), split="train")
    assert measured is not None
    pairs = next(split.candidates for split in views.counts(store).splits if split.split == "train")
    assert measured.pairs == pairs
    assert 0 < measured.sampled < pairs
    assert measured.seconds == pytest.approx(pairs * 4 / measured.sampled), "two batches, of two seconds each"
    assert f"{pairs:,} pairs take {measured.teacher} about" in measured.in_words
    assert views.counts(store).utilities == before


def test_nothing_missing_takes_no_time(tmp_path: Path) -> None:
    store = collection(tmp_path / "workspace")
    score(store, teacher("lexical"), "dev")
    measured = score_time(store, teacher("lexical"), "dev")
    assert measured is not None
    assert (measured.pairs, measured.rate, measured.seconds) == (0, None, 0.0)
    assert "every pair" in measured.in_words


def test_without_candidates_there_is_nothing_to_time(empty: Store) -> None:
    with pytest.raises(NothingToDo):
        score_time(empty, teacher("lexical"))


def test_the_shell_says_it_and_scores_nothing(tmp_path: Path) -> None:
    store = collection(tmp_path / "workspace")
    before = views.counts(store).utilities
    printed = worked("score", "--estimate", "--split", "dev", workspace=store.path)
    assert "pairs take lexical" in printed.out
    assert "Next:" not in printed.err
    assert views.counts(store).utilities == before
