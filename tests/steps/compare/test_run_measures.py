"""Measuring a stored run gives ir_measures' numbers, whatever way they are come by."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import PASSAGES, QUERIES, run
from tests.profiles import examples
from workbench.evaluation.measures import MEASURES, per_query
from workbench.records import Hit, Qrel
from workbench.steps.compare import run_measures
from workbench.store import Store, views

Q2 = "http://q/2?x=1"
pairs = st.tuples(st.sampled_from(["q1", Q2]), st.sampled_from([passage.passage_id for passage in PASSAGES]))
near = st.sampled_from([0.5, 0.25, 0.12345678901, 0.12345678902, -0.0, 0.0, 1e300, 1e301, -1e300])


@examples(25)
@given(ranked=st.dictionaries(pairs, near), judged=st.dictionaries(pairs, st.integers(-1, 2)), depth=st.integers(1, 4))
def test_a_stored_run_measures_as_ir_measures_says(
    tmp_path_factory: pytest.TempPathFactory, ranked: dict, judged: dict, depth: int
) -> None:
    store = Store(tmp_path_factory.mktemp("ws"), create=True)
    qrels = [Qrel(*pair, relevance) for pair, relevance in judged.items()]
    store.add_collection(QUERIES, PASSAGES, qrels)
    counts: Counter[str] = Counter()
    hits = []
    for (query_id, passage_id), similarity in ranked.items():  # ranks that do not follow the similarities
        counts[query_id] += 1
        hits.append(Hit("odd@test", query_id, passage_id, counts[query_id], similarity))
    store.add_run(run("odd", depth=depth), hits)
    names = (*MEASURES, "AP(rel=2)", "RR@10")
    found = run_measures.measure(store, run("odd", depth=depth), names, qrels)
    assert found.ranked == {query_id: min(count, depth) for query_id, count in counts.items()}
    theirs = per_query(names, qrels, views.rankings(store, run("odd", depth=depth)))
    for name, of_query in theirs.items():
        assert found.values[name] == pytest.approx(of_query, abs=1e-9), name
