"""Sparse and multi-vector students are built once, of the library's own modules, and open without the workbench."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests import children, tiny
from workbench import students
from workbench.errors import ModelUnavailable
from workbench.students import Student, built, model_card

OPEN = """
import sys
from sentence_transformers import {opens}
model = {opens}(sys.argv[1], device="cpu")
queries, passages = model.encode_query(["what is oil"]), model.encode_document(["the price of oil", "salt"])
similarities = model.similarity(queries, passages)
print("similarities", *(similarities.to_dense() if similarities.is_sparse else similarities)[0].tolist())
"""


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.bert(tmp_path_factory.mktemp("models") / "masked", masked=True))


@pytest.mark.process
@pytest.mark.parametrize(("kind", "opens"), [("sparse", "SparseEncoder"), ("multi", "MultiVectorEncoder")])
def test_it_is_built_once_and_opens_without_the_workbench(
    kind: str, opens: str, masked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = students.find(f"{kind}:{masked}", tmp_path)
    assert (made.name, made.base, made.recipe["method"]) == (f"{kind}:{masked}", masked, kind)
    form = made.recipe["architecture"]
    assert form == {"sparse": "sparse", "multi": "multi-vector"}[kind]
    monkeypatch.setitem(built.BUILDERS, kind, "no.such.module:built_twice")
    assert students.find(f"{kind}:{masked}", tmp_path) == made
    printed = children.without_workbench(OPEN.format(opens=opens), made.path, folder=tmp_path).checked()
    theirs = [float(value) for value in printed.split("similarities ")[1].split()]
    model = students.load(made)
    assert type(model).__name__ == opens
    similarities = model.similarity(
        model.encode_query(["what is oil"]), model.encode_document(["the price of oil", "salt"])
    )
    assert (similarities.to_dense() if similarities.is_sparse else similarities)[0].tolist() == pytest.approx(
        theirs, abs=1e-5
    )
    card = (made.path / model_card.CARD).read_text("utf-8")
    assert f"from sentence_transformers import {opens}" in card
    assert "library_name: sentence-transformers\npipeline_tag: feature-extraction" in card
    assert {"sparse": "- sparse-encoder\n", "multi": "- multi-vector\n"}[kind] in card


def test_splade_is_the_largest_of_each_word_s_logits(masked: str, tmp_path: Path) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    text = "the price of oil"
    tokens = AutoTokenizer.from_pretrained(masked)(text, return_tensors="pt")
    with torch.no_grad():
        logits = AutoModelForMaskedLM.from_pretrained(masked)(**tokens).logits[0]
    expected = torch.log1p(logits.relu()).max(dim=0).values
    (vector,) = students.load(students.find(f"sparse:{masked}", tmp_path)).encode_document([text]).to_dense()
    torch.testing.assert_close(vector, expected)
    assert expected.count_nonzero() > 0


def test_a_multi_vector_student_has_the_base_s_tokens_at_unit_length(masked: str, tmp_path: Path) -> None:
    text = "the price of oil"
    base = students.load(Student("masked", Path(masked)))
    tokens = base.encode([text], output_value="token_embeddings")[0]
    (vectors,) = students.load(students.find(f"multi:{masked}", tmp_path)).encode_document([text])
    torch.testing.assert_close(vectors, torch.nn.functional.normalize(tokens, dim=1))
    assert vectors.shape == (4, 16)


def test_what_cannot_be_built_says_why(masked: str, tmp_path: Path) -> None:
    plain = tiny.bert(tmp_path / "plain")
    with pytest.raises(ModelUnavailable, match="no head of a masked language model"):
        students.find(f"sparse:{plain}", tmp_path / "students")
    flat = students.save(tiny.static(), Student("flat", tmp_path / "students" / "flat"))
    for base in (flat.name, f"sparse:{masked}"):
        with pytest.raises(ModelUnavailable, match="cannot become a multi-vector student"):
            students.find(f"multi:{base}", tmp_path / "students")
    with pytest.raises(ModelUnavailable, match="cannot become sparse"):
        students.find("sparse:flat", tmp_path / "students")
    assert not (tmp_path / "students" / f"sparse-{plain.name}").exists()
