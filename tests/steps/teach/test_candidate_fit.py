"""Candidates fit the student that trains, or it is said which commands mend that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import utility
from tests.shell import worked
from tests.steps.classes import PASSAGES, QUERIES, TOPICS
from tests.steps.teach.quick import QUICK
from workbench.records import Failure
from workbench.steps.teach.candidates import candidates
from workbench.steps.teach.planning.candidate_fit import candidate_fit
from workbench.steps.teach.planning.plan import plan
from workbench.store import Store, views


def score_all(store: Store) -> None:
    """Let teacher "toy" score what it has not, and fail on one pair."""
    missing = [
        (query_id, passage_id) for query_id, ids in views.candidates_of(store, "train").items() for passage_id in ids
    ]
    scored = {(row.query_id, row.passage_id) for row in views.utilities(store, "toy")}
    first, *rest = [pair for pair in missing if pair not in scored]
    store.add_scored([Failure(*first, "toy", "unreadable"), *(utility(*pair, 0.0) for pair in rest)], "nats per token")


def test_candidates_of_another_are_said_not_to_fit_until_the_base_s_own_are_scored(
    school: Store, untrained: str
) -> None:
    planned = plan(school, untrained, "toy", QUICK)
    command = f"workbench candidates --student {untrained} --split train"
    assert planned.candidate_fit
    assert not planned.candidate_fit.fits
    assert f"{TOPICS} of {TOPICS} train queries have no candidates that {untrained} proposed itself" in planned.in_words
    assert f"run `{command}`, then run `workbench score --split train` with toy." in planned.in_words
    arguments = ["train", untrained, "--teacher", "toy", "--plan"]
    assert command in worked(*arguments, workspace=school.path).out
    worked(*command.split()[1:], workspace=school.path)
    unscored = plan(school, untrained, "toy", QUICK)
    assert "not all candidates that" in unscored.in_words
    assert "run `workbench score --split train` with toy." in unscored.in_words
    score_all(school)
    fitting = plan(school, untrained, "toy", QUICK)
    assert fitting.candidate_fit
    assert fitting.candidate_fit.fits
    assert "candidates" not in fitting.in_words
    assert "candidates --student" not in worked(*arguments, workspace=school.path).out


def test_candidates_say_which_students_those_of_train_fit(school: Store, untrained: str) -> None:
    assert "no student proposed candidates for the train split" in candidates(school, "bm25").in_words
    assert candidates(school, untrained, split="test").fits == (), "those of test are never trained on"
    result = candidates(school, untrained)
    assert result.fits == (untrained,)
    assert f"they fit a training of {untrained}" in result.in_words
    assert list(result.to_frame()["fits"]) == [untrained]


def test_candidates_say_nothing_of_trainings_where_there_is_no_train_split(empty: Store) -> None:
    of_test = [query for query in QUERIES if query.split == "test"]
    empty.add_collection(of_test, PASSAGES, [])
    result = candidates(empty, "bm25", depth=2)
    assert result.fits is None
    assert "train" not in result.in_words


def test_where_qrels_teach_candidates_need_no_scores(school: Store, untrained: str) -> None:
    fit = candidate_fit(school, untrained, "qrels")
    assert fit.in_words.endswith(f"run `workbench candidates --student {untrained} --split train`.")
    candidates(school, untrained, split="train")
    assert candidate_fit(school, untrained, "qrels").fits


def test_a_base_whose_name_begins_with_a_dash_can_be_given_to_the_command(school: Store) -> None:
    assert "`workbench candidates --student=-mine --split train`" in candidate_fit(school, "-mine", "toy").in_words


def test_a_base_is_matched_to_its_candidates_however_its_folder_is_spelled(
    school: Store, untrained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(untrained)
    monkeypatch.chdir(folder.parent)
    candidates(school, f"./{folder.name}", split="train")
    score_all(school)
    assert all(candidate_fit(school, name, "toy").fits for name in (folder.name, f"./{folder.name}", untrained))
    candidates(school, untrained, split="train")
    assert candidate_fit(school, folder.name, "qrels").fits, "what it proposed under two names is there once"


def test_scores_that_were_imported_must_be_imported_for_new_candidates_too(school: Store, untrained: str) -> None:
    school.add_scored(
        [utility("train0", "p0-0", 1.0, "imported:x"), utility("train1", "p1-0", 1.0, "imported:x")], "nats per token"
    )
    assert "then ingest scores of imported:x for them." in candidate_fit(school, untrained, "imported:x").in_words
    candidates(school, untrained, split="train")
    assert (
        "are scored: ingest scores of imported:x for them." in candidate_fit(school, untrained, "imported:x").in_words
    )


@pytest.mark.parametrize("teacher", ["toy", "qrels"])
def test_without_anything_to_train_on_nothing_is_missing(empty: Store, teacher: str) -> None:
    assert candidate_fit(empty, "student", teacher).fits
