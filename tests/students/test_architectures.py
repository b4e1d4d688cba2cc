"""Each architecture compares as its own library does, in training as in a run; a folder says which one it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from sentence_transformers import MultiVectorEncoder, SentenceTransformer, SparseEncoder
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from sentence_transformers.sparse_encoder.modules import SpladePooling

from tests import tiny
from workbench.errors import BadSetting
from workbench.students import architectures
from workbench.students.architectures import ARCHITECTURES, DENSE, MULTI_VECTOR, SPARSE, Architecture

QUERIES = ["what is oil", "where do rivers run"]
PASSAGES = ["the price of oil", "rivers run to the sea", "salt"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SentenceTransformer]:
    """Return a model of each architecture, as sentence-transformers makes them."""
    bert = str(tiny.bert(tmp_path_factory.mktemp("models") / "bert", masked=True))
    tokens = [
        Transformer(bert),
        MultiVectorMask(skiplist_words=["the"]),
        Normalize(module_input_name="token_embeddings"),
    ]
    return {
        "dense": SentenceTransformer(bert, device="cpu"),
        "sparse": SparseEncoder(
            modules=[Transformer(bert, transformer_task="fill-mask"), SpladePooling()], device="cpu"
        ),
        "multi-vector": MultiVectorEncoder(modules=tokens, device="cpu"),
    }


def _encoded(
    architecture: Architecture, model: SentenceTransformer
) -> tuple[architectures.Encoded, architectures.Encoded]:
    return architecture.encode(model, "query", QUERIES, 2), architecture.encode(model, "document", PASSAGES, 2)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_similarities_are_those_of_the_library(models: dict[str, SentenceTransformer], name: str) -> None:
    architecture, model = ARCHITECTURES[name], models[name]
    assert architectures.of(model) is architecture
    if architecture is MULTI_VECTOR:
        model.similarity_fn_name = "meanmaxsim"
    theirs = model.similarity(model.encode_query(QUERIES), model.encode_document(PASSAGES))
    theirs = theirs.to_dense() if theirs.is_sparse else theirs
    torch.testing.assert_close(architecture.similarities(*_encoded(architecture, model)).float(), theirs)
    assert theirs.std() > 0


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_training_compares_as_a_run_does(models: dict[str, SentenceTransformer], name: str) -> None:
    architecture, model = ARCHITECTURES[name], models[name].eval()
    outputs = []
    for task, texts in (("query", QUERIES), ("document", PASSAGES)):
        features = model.preprocess(texts, task=task)
        output = model(features, task=task) if architecture.takes_task else model(features)
        outputs.append(architecture.outputs(output))
    compared = architecture.training_similarities(*outputs)
    assert compared.requires_grad
    torch.testing.assert_close(compared.detach(), architecture.similarities(*_encoded(architecture, model)).float())


def test_maxsim_by_hand(models: dict[str, SentenceTransformer]) -> None:
    queries, passages = _encoded(MULTI_VECTOR, models["multi-vector"])
    by_hand = [[(query @ passage.T).max(dim=1).values.mean() for passage in passages] for query in queries]
    torch.testing.assert_close(MULTI_VECTOR.similarities(queries, passages), torch.tensor(by_hand))
    # Four words, of which "the" is skipped.
    assert len(passages[0]) == 3


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_a_folder_says_its_form(models: dict[str, SentenceTransformer], name: str, tmp_path: Path) -> None:
    models[name].save_pretrained(str(tmp_path), create_model_card=False)
    assert architectures.architecture(tmp_path) is ARCHITECTURES[name]
    assert type(architectures.open_model(tmp_path, "cpu")).__name__ == ARCHITECTURES[name].opens
    # Older versions of the library wrote no type.
    file = tmp_path / "config_sentence_transformers.json"
    config = json.loads(file.read_text("utf-8"))
    del config["model_type"]
    file.write_text(json.dumps(config), "utf-8")
    assert architectures.architecture(tmp_path) is ARCHITECTURES[name]


def test_what_other_libraries_wrote_and_what_says_nothing(tmp_path: Path) -> None:
    for file, content, architecture in (
        ("config_sentence_transformers.json", '{"model_type": "ColBERT"}', MULTI_VECTOR),
        ("config_sentence_transformers.json", "{", DENSE),
        ("config.json", '{"architectures": ["HF_ColBERT"]}', MULTI_VECTOR),
        ("config.json", '{"architectures": null}', DENSE),
        ("config.json", "[]", DENSE),
    ):
        (tmp_path / file).write_text(content, "utf-8")
        assert architectures.architecture(tmp_path) is architecture
        (tmp_path / file).unlink()
    assert architectures.architecture(tmp_path) is DENSE


def test_a_sparse_student_that_does_not_compare_by_products_is_refused(models: dict[str, SentenceTransformer]) -> None:
    other = SparseEncoder(modules=list(models["sparse"]), device="cpu", similarity_fn_name="cosine")
    with pytest.raises(BadSetting, match="compares by cosine"):
        architectures.of(other)


def test_more_passages_than_a_form_can_compare_are_refused() -> None:
    MULTI_VECTOR.check_size(10_000)
    SPARSE.check_size(10**9)
    with pytest.raises(BadSetting, match=r"up to 10,000 passages; these are 10,001"):
        MULTI_VECTOR.check_size(10_001)


def test_fewer_texts_are_encoded_at_once_where_memory_does_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.static()
    encode, sizes = model.encode_document, []

    def short_of_memory(texts: list[str], *, batch_size: int, **more: object) -> object:
        sizes.append(batch_size)
        if batch_size > 2:
            raise MemoryError
        return encode(texts, batch_size=batch_size, **more)

    monkeypatch.setattr(model, "encode_document", short_of_memory)
    architecture = architectures.of(model)
    vectors = architecture.encode(model, "document", ["the sea is salt", "oil"], 8)
    assert sizes == [8, 4, 2]
    assert len(vectors) == 2
