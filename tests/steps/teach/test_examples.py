"""What students learn from is read in columns and parts, and is what the same records would be."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b, sha256
from itertools import count

import numpy as np
import pytest

from tests.conftest import utility
from tests.steps.teach.quick import QUICK
from workbench.columns.examples import Examples
from workbench.errors import Conflict
from workbench.records import Candidate, Example, Passage, Qrel
from workbench.steps.teach.planning.plan import plan
from workbench.store import Store, views
from workbench.store.views import passage_file
from workbench.store.views.scored import examples as scored
from workbench.trainer.batches import Batches
from workbench.trainer.train import fingerprint


@pytest.fixture
def odd(school: Store) -> Store:
    """A collection with passages of one text, a title, and qrels of passages that are known by their id only."""
    copies = [Passage("-a copy", "", "the of the answer0 x0 of the"), Passage("Ünde", "answer0", "x9")]
    school.add_collection((), copies, [Qrel("train0", "nowhere", 1), Qrel("train1", "-a copy", 0)])
    school.add_candidates([Candidate("train2", "Ünde", "bm25")])
    school.add_scored([utility("train0", "-a copy", 3.0), utility("train0", "Ünde", 2.0)])
    return school


def identity(example: Example) -> bytes:
    query, passages, utilities, known = example
    return repr((query, [passage.passage_id for passage in passages], utilities, sorted(known))).encode()


@pytest.mark.parametrize("at_once", [1_000, 3])
def test_batches_and_fingerprints_are_those_of_the_same_records(
    odd: Store, untrained: str, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(passage_file, "PASSAGES_AT_ONCE", at_once)
    monkeypatch.setattr(scored, "QUERIES_AT_ONCE", at_once)
    planned = plan(odd, untrained, "toy", QUICK)
    assert len(list((odd.path / "kept").glob("passages-*.arrow"))) == (at_once == 3), "a large one is in a file"
    columns, collection = planned.examples, planned.examples.contents.passages
    records, passages = list(columns), views.passages(odd)
    assert list(collection) == passages
    assert "nowhere" in records[0].known
    assert records[0].passages[0] == Passage("-a copy", "", "the of the answer0 x0 of the")
    digest = sha256(b"".join(map(identity, records))).hexdigest()[:12]
    assert planned.recipe["data"] == {"queries": 8, "fingerprint": digest}
    parts = [*(repr(passage).encode() for passage in passages), *map(identity, records)]
    whole = blake2b(b"".join(parts), digest_size=8).hexdigest()
    assert fingerprint(Examples.of(records, passages)) == fingerprint(columns) == whole
    settings = replace(planned.settings, batch_size=4, candidates=3, negatives=5, curriculum=0.2)
    ours, theirs = Batches(columns, collection, settings), Batches(records, passages, settings)
    for first in range(0, 24, 4):
        for one, other in zip(ours.batch(range(first, first + 4)), theirs.batch(range(first, first + 4)), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_former_collection_s_file_gives_way_and_a_damaged_one_is_written_anew(
    odd: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passage_file, "PASSAGES_AT_ONCE", 3)
    former = views.all_passages(odd)
    odd.add_collection((), [Passage("new", "", "a text")])
    assert list(views.all_passages(odd)) == views.passages(odd)
    assert former[0].passage_id == "-a copy", "who reads the former ones goes on"
    (file,) = (odd.path / "kept").glob("passages-*.arrow")
    file.write_bytes(file.read_bytes()[:100])
    assert list(views.all_passages(odd)) == views.passages(odd)


def test_passages_that_are_added_while_all_are_read_are_read_too(odd: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage_file, "PASSAGES_AT_ONCE", 3)
    fingerprints = iter(["before", "after", "after", "after"])
    monkeypatch.setattr(passage_file, "collection_fingerprint", lambda store: next(fingerprints))
    assert list(views.all_passages(odd)) == views.passages(odd)
    assert [file.name for file in (odd.path / "kept").glob("passages-*")] == ["passages-after.arrow"]
    fingerprints = map(str, count())
    with pytest.raises(Conflict, match="added again and again"):
        views.all_passages(odd)
    assert [file.name for file in (odd.path / "kept").glob("passages-*")] == ["passages-after.arrow"]
