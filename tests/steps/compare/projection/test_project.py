"""Projecting a workspace: what is placed, on whose axes, what is kept, and when it is out of date."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests import tiny
from tests.steps import classes
from workbench.errors import BadSetting, NothingToDo
from workbench.records import Passage, Query
from workbench.retrieval.encoder import Encoder
from workbench.steps.compare.projection import encoded
from workbench.steps.compare.projection.project import kept_projection, project
from workbench.store import Store


@pytest.fixture
def base(tmp_path: Path) -> str:
    return classes.base(tmp_path / "base")


@pytest.fixture
def topics(tmp_path: Path) -> Store:
    return classes.collection(tmp_path / "workspace")


def model(folder: Path, seed: int = 1, width: int = 8, turn: int = 0) -> str:
    """Write a student of so many dimensions; with `turn`, its vectors are rotated."""
    made = tiny.static(seed, width, classes.WORDS)
    if turn:
        import torch

        matrix, _ = torch.linalg.qr(torch.randn(width, width, generator=torch.Generator().manual_seed(turn)))
        table = made[0].embedding
        table.weight.data = table.weight.data @ matrix
    made.save_pretrained(str(folder), create_model_card=False)
    return str(folder)


def test_points_are_those_of_numpy_over_all_texts(topics: Store, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "AT_ONCE", 7)
    projection = project(topics, base)
    assert (projection.queries, projection.passages, projection.placement) == (24, 24, "own")
    encoder = Encoder(encoded.dense_encoder(topics, base).student, topics.vectors)
    queries, passages = wb.views.queries(topics), wb.views.passages(topics)
    vectors = np.concatenate(
        [encoder.queries([one.text for one in queries]), encoder.passages([one.content for one in passages])]
    ).astype(np.float64)
    centred = vectors - vectors.mean(axis=0)
    expected = centred @ np.linalg.svd(centred)[2][:2].T
    frame = projection.to_frame()
    assert frame["id"].tolist() == [*(one.query_id for one in queries), *(one.passage_id for one in passages)]
    np.testing.assert_allclose(np.abs(frame[["x", "y"]]), np.abs(expected), atol=1e-6)
    assert projection.neighbours is not None
    assert "principal components" in projection.in_words


def test_another_student_is_placed_on_the_same_axes(topics: Store, base: str, tmp_path: Path) -> None:
    before = project(topics, base).to_frame()
    twin = project(topics, model(tmp_path / "twin"), base)
    assert (twin.placement, round(twin.cosine or 0, 5)) == ("same", 1)
    np.testing.assert_allclose(twin.to_frame()[["x", "y"]], before[["x", "y"]], atol=1e-6)


def test_a_rotated_student_is_rotated_back_and_that_is_said(topics: Store, base: str, tmp_path: Path) -> None:
    before = project(topics, base).to_frame()
    turned = project(topics, model(tmp_path / "turned", turn=5), base)
    assert turned.placement == "rotated"
    assert "Procrustes" in turned.in_words
    np.testing.assert_allclose(turned.to_frame()[["x", "y"]], before[["x", "y"]], atol=1e-4)


def test_other_dimensions_have_axes_of_their_own(topics: Store, base: str, tmp_path: Path) -> None:
    small = project(topics, model(tmp_path / "small", width=4), base)
    assert not small.is_comparable
    assert "other dimensions" in small.in_words
    assert len(small.to_frame()) == 48


def test_what_was_placed_is_read_again_until_texts_or_the_model_change(
    topics: Store, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept_projection(topics, base) is None
    first = project(topics, base)
    with monkeypatch.context() as patch:
        patch.setattr(encoded, "blocks", lambda *_: pytest.fail("it was placed anew"))
        assert project(topics, base) == first == kept_projection(topics, base)
    topics.add_collection(passages=[Passage("-new", "", "the answer1")], queries=[Query("by id only", "")])
    assert kept_projection(topics, base) is None, "a text was added"
    second = project(topics, base)
    assert (second.passages, second.queries) == (25, 24)
    assert list((topics.path / "maps").iterdir()) == [second.file], "what is out of date is removed"
    model(Path(base), seed=9)
    assert kept_projection(topics, base) is None, "the model has changed"
    assert project(topics, base).file != second.file


def test_a_damaged_file_is_written_anew(topics: Store, base: str) -> None:
    first = project(topics, base)
    first.file.write_bytes(b"PAR1 not")
    assert kept_projection(topics, base) is None
    again = project(topics, base)
    assert dataclasses.replace(again, file=first.file) == first
    assert len(again.to_frame()) == 48


def test_what_has_no_vectors_is_refused(topics: Store, empty: Store, base: str) -> None:
    with pytest.raises(BadSetting, match="BM25 has no vectors"):
        project(topics, "bm25")
    with pytest.raises(BadSetting, match="'tsne'"):
        project(topics, base, method="tsne")
    with pytest.raises(NothingToDo, match="0 texts"):
        project(empty, base)
