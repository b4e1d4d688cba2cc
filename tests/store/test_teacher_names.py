"""What a derived teacher is computed from is read from its name, and what fills it is a command that can be run."""

from __future__ import annotations

import shlex

import pytest

import workbench as wb
from tests.conftest import utility
from tests.shell import worked
from workbench.errors import NothingToDo
from workbench.records import Failure
from workbench.steps.teach.planning.candidate_fit import candidate_fit
from workbench.store import Store, views
from workbench.store.views.scored.teacher_names import (
    advice_to_fill,
    asked_teachers,
    commands_to_fill,
    derivation,
    ensemble_name,
    reading_name,
)

ODD = "imported:my + (own) 2*x"


@pytest.mark.parametrize("teacher", ["toy", "likelihood:m:abc", "a|b", "ensemble:rank(no parts)", "ensemble:rank(2*)"])
def test_what_is_asked_is_computed_from_nothing(teacher: str) -> None:
    assert derivation(teacher) is None
    assert asked_teachers(teacher) == (teacher,)


def test_sources_are_read_from_names_of_any_depth() -> None:
    reading = reading_name("likelihood:a|b", "sum", "best")
    inner = ensemble_name("rrf", {ODD: 1.0, reading: 1e-05})
    outer = ensemble_name("z-score", {inner: 0.5, "lexical": 2.0})
    read = derivation(outer)
    assert read
    assert read.sources == (inner, "lexical")
    assert asked_teachers(outer) == (ODD, "likelihood:a|b", "lexical")
    assert read.command == ["combine", inner, "lexical", "--weights", "0.5,2", "--normalisation", "z-score"]


def test_the_commands_that_fill_an_ensemble_make_it_again(store: Store) -> None:
    store.add_scored([utility("q1", "p/1", 1.0, "-odd"), utility("q1", "p 2", 3.0, "-odd")], "nats per token")
    reading = wb.read_utilities(store, "toy", wb.Reading("sum")).teacher
    ensemble = wb.combine(store, [reading, "-odd"], [2, 1], "min-max").teacher
    score, read, combine = commands_to_fill(ensemble, "train")
    assert score == ["score", "--split", "train"]
    for arguments in (read, combine):
        worked(*arguments, workspace=store.path)
    assert {row.teacher for row in views.teachers(store)} == {"toy", "-odd", reading, ensemble}
    advice = advice_to_fill(ensemble, "train")
    assert advice.startswith("run `workbench score --split train` with -odd, then run `workbench score --split train`")
    assert [shlex.split(part)[1:] for part in advice.split("`")[1::2]][-2:] == [read, combine]


def test_a_reading_that_lacks_pairs_is_filled_by_reading_anew(store: Store) -> None:
    reading = wb.read_utilities(store, "toy", wb.Reading("sum")).teacher
    hint = (
        "run `workbench score --split train` with toy, "
        "then run `workbench reading toy --definition sum --answers best`."
    )
    assert candidate_fit(store, "bm25", reading).in_words == ""
    store.add_scored([utility("007", "p/1", 1.0)], "nats per token")
    wb.read_utilities(store, "toy", wb.Reading("sum"))
    assert candidate_fit(store, "bm25", reading).in_words.endswith(hint)
    for passage_id in ("p 2", "03"):
        store.add_scored([utility("007", passage_id, 1.0)], "nats per token")
    store.add_scored([Failure("007", "ü", "toy", "it declined", "refused")])
    wb.read_utilities(store, "toy", wb.Reading("sum"))
    assert candidate_fit(store, "bm25", reading).fits, "what its source failed on is not asked for again"
    with pytest.raises(NothingToDo) as error:
        views.examples(store, reading, "dev")
    assert error.value.hint == hint.replace("run", "Run", 1).replace("train", "dev")


def test_a_derived_teacher_s_failures_are_those_of_its_sources(store: Store) -> None:
    store.add_scored([Failure("007", passage_id, "toy", "why", "refused") for passage_id in ("p/1", "03")])
    reading = wb.read_utilities(store, "toy", wb.Reading("sum")).teacher
    store.add_scored([Failure("007", "03", "other", "why"), utility("q1", "p/1", 1.0, "other")], "nats per token")
    ensemble = wb.combine(store, [reading, "other"]).teacher
    of_reading, of_ensemble = (wb.teacher_health(store, name) for name in (reading, ensemble))
    assert (of_reading.counts.refused, of_reading.counts.failures) == (2, 2)
    assert of_ensemble.counts.failures == 2, "a pair that both failed on is one"
    assert of_reading.remarks[0] == "It is computed from utilities of toy, and its failures are theirs."
    assert "of other and toy, and its failures are theirs" in of_ensemble.remarks[0]
    assert not any("computed from" in remark for remark in wb.teacher_health(store, "toy").remarks)
