"""Kinds of students: what each makes of a base, and what anybody finds in the folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Normalize

from tests import tiny
from workbench.errors import BadSetting, UnknownName
from workbench.students import methods
from workbench.students.methods import METHODS, Method, MethodInputs, MethodParts, TextVectors
from workbench.students.methods.sides import side

QUERIES = ["what raised the price of oil", "where do rivers run", "is the sea salt"]
PASSAGES = ["The sea is salt", "rivers run to the sea", "the embargo of 1973 raised the price of oil", "oil is liquid"]
ALL = [
    (method, base)
    for method in METHODS
    for base in ("static", "normalised", "bert")
    if method != "lora" or base == "bert"
]


def base_of(shape: str, folder: Path) -> SentenceTransformer:
    if shape == "bert":
        return SentenceTransformer(str(tiny.bert(folder / "bert")), device="cpu")
    model = tiny.static()
    return model if shape == "static" else SentenceTransformer(modules=[model[0], Normalize()], device="cpu")


def inputs(base: SentenceTransformer, **more: object) -> MethodInputs:
    queries = base.encode_query(QUERIES, normalize_embeddings=True)
    passages = base.encode_document(PASSAGES, normalize_embeddings=True)
    return MethodInputs(
        base,
        queries=TextVectors(QUERIES, queries),
        passages=TextVectors(PASSAGES, passages),
        training_queries=QUERIES,
        **more,
    )


def moved(parts: MethodParts) -> MethodParts:
    """Change every weight that training would change."""
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for value in parts.model.parameters():
            if value.requires_grad:
                value.add_(0.1 * torch.randn(value.shape, generator=random))
    return parts


def embeddings(model: SentenceTransformer) -> tuple[np.ndarray, np.ndarray]:
    """Return a model's unit vectors of queries and of passages."""
    model.eval()
    return (
        model.encode_query(QUERIES, normalize_embeddings=True),
        model.encode_document(PASSAGES, normalize_embeddings=True),
    )


OPEN = """
import sys
for name in ("workbench", "peft"):
    sys.modules[name] = None
import numpy as np
from sentence_transformers import SentenceTransformer
queries, passages, *folders = sys.argv[1:]
for folder in folders:
    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    np.savez(folder + "/vectors.npz", model.encode_query(queries.split("|"), normalize_embeddings=True),
             model.encode_document(passages.split("|"), normalize_embeddings=True))
"""


@pytest.mark.slow
def test_anybody_opens_it_without_us_or_peft_and_gets_what_was_judged(tmp_path: Path) -> None:
    expected: dict[Path, tuple[np.ndarray, ...]] = {}
    for method, shape in ALL:
        base = base_of(shape, tmp_path)
        before = embeddings(base)
        parts = moved(methods.make(method, inputs(base)))
        folder = tmp_path / f"{method}-{shape}"
        parts.to_save().save_pretrained(str(folder), create_model_card=False)
        expected[folder] = embeddings(parts.to_evaluate())
        for ours, theirs, keeps in zip(
            expected[folder], before, (False, METHODS[method].keeps_passage_vectors), strict=True
        ):
            assert np.allclose(ours, theirs, atol=1e-6) == keeps
    command = [sys.executable, "-c", OPEN, "|".join(QUERIES), "|".join(PASSAGES), *map(str, expected)]
    subprocess.run(command, check=True, cwd=tmp_path, env={"PATH": ""}, timeout=300)
    for folder, ours in expected.items():
        for one, other in zip(ours, np.load(folder / "vectors.npz").values(), strict=True):
            np.testing.assert_allclose(other, one, atol=1e-5, err_msg=folder.name)


@pytest.mark.parametrize(("method", "shape"), ALL)
def test_before_training_it_is_its_base(method: str, shape: str, tmp_path: Path) -> None:
    base = base_of(shape, tmp_path)
    before = embeddings(base)
    parts = methods.make(method, inputs(base))
    for model in (parts.to_evaluate(), parts.to_save()):
        for ours, theirs in zip(embeddings(model), before, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_prompts_come_along(tmp_path: Path) -> None:
    base = tiny.static()
    base.prompts = {"query": "sea ", "document": "salt "}
    for method in ("query_only", "query_adapter", "adapter", "drift"):
        saved = methods.make(method, inputs(base)).to_save()
        for ours, theirs in zip(embeddings(saved), embeddings(base), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


# --- what each method trains


def trained_share(parts: MethodParts) -> int:
    return sum(value.numel() for value in parts.model.parameters() if value.requires_grad)


def test_an_adapter_is_a_low_rank_change_of_vectors(tmp_path: Path) -> None:
    base = tiny.static()
    before = embeddings(base)
    parts = moved(methods.make("adapter", inputs(base, rank=2)))
    assert trained_share(parts) == 2 * 8 * 2
    saved = parts.to_save()
    change = next(module for module in saved.children() if isinstance(module, Dense)).linear.weight.detach().numpy()
    assert np.linalg.matrix_rank(change - np.eye(8), tol=1e-4) == 2
    for ours, theirs in zip(embeddings(saved), before, strict=True):
        bent = theirs @ change.T
        np.testing.assert_allclose(ours, bent / np.linalg.norm(bent, axis=1, keepdims=True), atol=1e-5)


def test_lora_trains_a_small_share_and_the_rest_stands_still(tmp_path: Path) -> None:
    base = base_of("bert", tmp_path)
    whole = sum(value.numel() for value in base.parameters())
    table = base[0].auto_model.get_input_embeddings().weight.detach().clone()
    parts = moved(methods.make("lora", inputs(base, rank=1)))
    assert 0 < trained_share(parts) < whole / 4
    saved = parts.to_save()
    assert torch.equal(saved[0].auto_model.get_input_embeddings().weight, table)
    assert not any("lora" in name for name, _ in saved.named_parameters())


def test_drift_is_the_mean_way_of_the_training_queries(tmp_path: Path) -> None:
    base = tiny.static()
    old = embeddings(base)[0]
    parts = moved(methods.make("drift", inputs(base)))
    new = embeddings(base)[0]
    expected = new - (new - old).mean(axis=0)
    ours = embeddings(parts.to_save())[0]
    np.testing.assert_allclose(ours, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-5)
    assert parts.anchor is not None
    np.testing.assert_array_equal(parts.anchor("query", QUERIES[::-1]).numpy(), old[::-1])


def test_a_shared_base_is_on_disk_once(tmp_path: Path) -> None:
    parts = moved(methods.make("query_adapter", inputs(tiny.static())))
    parts.to_save().save_pretrained(str(tmp_path), create_model_card=False)
    assert len(list(tmp_path.rglob("tokenizer.json"))) == 1
    opened = SentenceTransformer(str(tmp_path), device="cpu")
    assert side(opened, "query")[0] is side(opened, "document")[0]


@pytest.mark.parametrize("method", ["query_adapter", "adapter", "query_only", "drift", "full"])
def test_a_student_of_two_sides_can_be_a_base_again(method: str, tmp_path: Path) -> None:
    first = moved(methods.make("query_only", inputs(tiny.static()))).to_save()
    before = embeddings(first)
    saved = methods.make(method, inputs(first)).to_save()
    saved.save_pretrained(str(tmp_path), create_model_card=False)
    for ours, theirs in zip(embeddings(SentenceTransformer(str(tmp_path), device="cpu")), before, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_the_same_seed_makes_the_same_student(tmp_path: Path) -> None:
    for method in ("adapter", "lora"):
        weights = [
            [
                value.detach()
                for value in methods.make(method, inputs(base_of("bert", tmp_path), seed=seed)).model.parameters()
            ]
            for seed in (1, 1, 2)
        ]
        same = [all(map(torch.equal, weights[0], other)) for other in weights[1:]]
        assert same == [True, False]


# --- what does not go together


@pytest.mark.parametrize(
    ("method", "more", "words"),
    [
        ("lora", {}, "layers of a transformer"),
        ("adapter", {"rank": 9}, "rank is 9, but the base's vectors have 8 numbers"),
        ("full", {"rank": 4}, "method 'full' has none"),
        ("query_adapter", {"max_tokens": 4}, "finished vectors"),
    ],
)
def test_what_does_not_go_together_is_refused_in_words(method: str, more: dict[str, int], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        methods.make(method, inputs(tiny.static(), **more))


def test_a_rank_above_the_width_of_a_transformer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="rank is 17, but the base's layers are 16 wide"):
        methods.make("lora", inputs(base_of("bert", tmp_path), rank=17))


def test_vectors_that_are_cut_are_refused_where_they_are_stored() -> None:
    base = tiny.static()
    cut = inputs(base)
    base.truncate_dim = 4
    with pytest.raises(BadSetting, match="cuts its vectors to 4"):
        methods.make("query_only", cut)


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="query_adapter"):
        methods.method("dora")


def test_the_table_of_methods_is_free() -> None:
    program = "import sys, workbench.students.methods; sys.exit('torch' in sys.modules or 'peft' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_there_and_says_what_it_is(method: str) -> None:
    assert callable(resolve_name(METHODS[method].implementation))
    assert METHODS[method].about


def unchanged(inputs: MethodInputs) -> MethodParts:
    """Train nothing that is not the base's."""
    return MethodParts(inputs.base, to_save=lambda: inputs.base, to_evaluate=lambda: inputs.base)


def test_one_line_adds_a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "toy", Method(f"{__name__}:unchanged", "nothing more than the base"))
    base = tiny.static()
    assert methods.make("toy", inputs(base)).to_save() is base
