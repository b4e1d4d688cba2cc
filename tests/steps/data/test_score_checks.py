"""Imported scores: what is odd about them is said when they are ingested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.records import Candidate, Unit
from workbench.steps.data.ingest import ingest
from workbench.steps.data.readers import IngestSettings
from workbench.store import Store

Q2 = "http://q/2?x=1"


def ingested(
    store: Store, folder: Path, values: dict[tuple[str, str], float], unit: Unit = "unknown"
) -> tuple[str, ...]:
    """Ingest scores as those of an imported teacher; return what is odd about them."""
    (file := folder / "scores.jsonl").write_text(
        "\n".join(json.dumps({"query_id": q, "passage_id": p, "value": value}) for (q, p), value in values.items())
    )
    done = ingest(store, "utilities", file, IngestSettings(teacher="them", unit=unit))
    assert all(sentence in done.in_words for sentence in done.odd_scores)
    return done.odd_scores


SOUND = {(q, p): value for q in ("q1", Q2) for p, value in (("p/1", 0.9), ("p 2", 0.1), ("03", 0.2), ("ü", 0.3))}


@pytest.mark.parametrize(
    ("changed", "unit", "sentence"),
    [
        ({}, "probability", ""),
        (dict.fromkeys([(Q2, "p/1"), (Q2, "p 2"), (Q2, "03"), (Q2, "ü")], 0.5), "unknown",
         "imported:them gives all passages of a query the same utility in 1 of 2 queries: nothing to learn."),
        ({(Q2, "ü"): 0.9}, "unknown", "imported:them puts several passages first in 1 of 2 queries."),
        ({(Q2, "ü"): 1.5}, "probability",
         "imported:them ranges from 0.1 to 1.5, which in the unit 'probability' should be 0 to 1."),
        ({(Q2, "ü"): -1.0}, "grade",
         "imported:them ranges from -1 to 0.9, which in the unit 'grade' should be 0 to 3."),
        ({(Q2, "ü"): -9999.0}, "unknown", "imported:them has a utility of magnitude 9999, where 0.25 is usual: is it a "
         "score, or a mark for what is missing?"),
    ],
    ids=["sound", "constant", "tied", "probability", "grade", "outlying"],
)  # fmt: skip
def test_what_is_odd_about_imported_scores_is_said(
    store: Store, tmp_path: Path, changed: dict[tuple[str, str], float], unit: Unit, sentence: str
) -> None:
    assert ingested(store, tmp_path, SOUND | changed, unit) == ((sentence,) if sentence else ())


def test_missing_pairs_are_those_of_queries_that_have_others(store: Store, tmp_path: Path) -> None:
    store.add_candidates([Candidate("q1", "p 2", "another source")])
    odd = ingested(store, tmp_path, {("q1", "p/1"): 0.5, ("q1", "03"): 0.25})
    assert odd == ("imported:them lacks 2 candidates of 1 queries that it has scored: they are missing, not 0.",)
