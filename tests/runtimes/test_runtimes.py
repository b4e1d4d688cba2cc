"""A student says the same in another runtime, nearly the same in int8, and what cannot be written is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests import tiny
from workbench import runtimes
from workbench.errors import BadInput, BadSetting, WorkbenchError
from workbench.runtimes import RuntimeEncoder, sessions, to_onnx

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

absent = [name for name in ("onnx", "onnxruntime", "onnxscript", "openvino", "nncf") if not find_spec(name)]
installed = pytest.mark.skipif(bool(absent), reason=f"the extra `runtimes` is not installed: {', '.join(absent)}")
TEXTS = ["oil", "the price of oil in 1973", "", "river run to the sea is salt unheard liquid what where", "sea sea"]


@pytest.fixture(autouse=True)
def _one_export(monkeypatch: pytest.MonkeyPatch, exports: Path) -> None:
    """Export layers of the same weights once: it takes seconds, and the tests differ in what follows the layers."""
    write = to_onnx._write_layers

    def write_once(model: SentenceTransformer, file: Path) -> None:
        weights = b"".join(value.detach().numpy().tobytes() for value in model[0].parameters())
        exported = exports / f"{sha256(weights).hexdigest()}.onnx"
        if not exported.exists():
            write(model, exported)
        shutil.copy(exported, file)

    monkeypatch.setattr(to_onnx, "_write_layers", write_once)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


def _saved(model: SentenceTransformer, folder: Path) -> tuple[SentenceTransformer, Path]:
    model.save_pretrained(str(folder), create_model_card=False)
    runtimes.save_layout(runtimes.layout(model, folder), folder)
    return model, folder


def _transformer(folder: Path, *after: Any, pooling: str = "mean", **settings: Any) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    layers = Transformer(str(tiny.bert(folder)), **settings)
    return SentenceTransformer(modules=[layers, Pooling(16, pooling_mode=pooling), *after], device="cpu")


def _dense() -> Any:
    import torch
    from sentence_transformers.base.modules import Dense

    torch.manual_seed(1)
    return Dense(16, 4, activation_function=torch.nn.Tanh())


def _normalise() -> Any:
    from sentence_transformers.base.modules import Normalize

    return Normalize()


def _unit(vectors: Any) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@installed
@pytest.mark.parametrize(
    "made",
    [
        pytest.param(_transformer, id="mean"),
        pytest.param(lambda folder: _transformer(folder, pooling="cls"), id="cls"),
        pytest.param(lambda folder: _transformer(folder, _dense(), _normalise()), id="dense"),
    ],
)
def test_onnx_and_openvino_say_what_the_student_says(
    tmp_path: Path, made: Callable[[Path], SentenceTransformer]
) -> None:
    model, folder = _saved(made(tmp_path / "base"), tmp_path / "student")
    # A query prompt must be read by the runtime too.
    model.prompts = {"query": "the price: ", "document": ""}
    runtimes.save_layout(runtimes.layout(model, folder), folder)
    texts = [text for text in TEXTS if text]
    expected = _unit(model.encode_query(texts)), _unit(model.encode_document(texts))
    files = runtimes.write_openvino(model, folder, texts, int8=True)
    assert not (folder / "onnx").exists()
    files += runtimes.write_onnx(model, folder, int8=True)
    assert files == [
        "openvino/openvino_model.xml",
        "openvino/openvino_model_qint8_quantized.xml",
        "onnx/model.onnx",
        "onnx/model_qint8.onnx",
    ]
    for file in files:
        runtime = RuntimeEncoder(folder, file, batch_size=2)
        for encoded, wanted in zip((runtime.queries(texts), runtime.passages(texts)), expected, strict=True):
            assert encoded.shape == wanted.shape
            np.testing.assert_allclose(encoded, wanted, atol=0.05 if "int8" in file else 1e-5)
    assert np.abs(RuntimeEncoder(folder, files[-1]).passages(texts) - expected[1]).max() > 0


@installed
def test_a_static_table_in_onnx_and_in_int8(tmp_path: Path) -> None:
    model, folder = _saved(tiny.static(), tmp_path)
    texts = ["oil", "the price of oil in 1973", "unheard oil"]
    expected = _unit(model.encode(texts))
    plain, small = runtimes.write_onnx(model, folder, int8=True)
    np.testing.assert_allclose(RuntimeEncoder(folder, plain).passages(texts), expected, atol=1e-6)
    # Each row's numbers are rounded to 1/127 of its largest.
    np.testing.assert_allclose(RuntimeEncoder(folder, small).passages(texts), expected, atol=0.02)
    with pytest.raises(WorkbenchError, match="no usable vector for the query 'unheard'"):
        RuntimeEncoder(folder, plain).queries(["oil", "unheard"])
    with pytest.raises(BadSetting, match="no layers that OpenVINO could speed up"):
        runtimes.write_openvino(model, folder)


@installed
def test_long_texts_are_cut_where_the_student_cuts_them(tmp_path: Path) -> None:
    model, folder = _saved(_transformer(tmp_path / "base", max_seq_length=4), tmp_path / "student")
    (file,) = runtimes.write_onnx(model, folder)
    long = "oil price embargo raised sea salt river"
    encoded = RuntimeEncoder(folder, file).passages([long, "oil price embargo raised"])
    np.testing.assert_allclose(encoded, _unit(model.encode([long, "oil price embargo raised"])), atol=1e-5)
    np.testing.assert_allclose(encoded[0], encoded[1], atol=1e-6)


def test_unknown_modules_are_refused_in_words(tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import LayerNorm

    for name, model, why in (
        ("max", _transformer(tmp_path / "a", pooling="max"), "it pools by max"),
        ("norm", _transformer(tmp_path / "b", LayerNorm(16)), "a module of the kind LayerNorm"),
        ("order", _transformer(tmp_path / "c", _normalise(), _dense()), "normalises before its last module"),
    ):
        folder = tmp_path / name
        model.save_pretrained(str(folder), create_model_card=False)
        with pytest.raises(BadSetting, match=why):
            runtimes.layout(model, folder)


def test_a_router_is_refused(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Router

    sides = Router.for_query_document([tiny.static(0)[0]], [tiny.static(1)[0]])
    with pytest.raises(BadSetting, match="Router"):
        runtimes.layout(SentenceTransformer(modules=[sides], device="cpu"), tmp_path)


def test_a_missing_extra_is_told_with_the_line_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "find_spec", lambda name: None if name == "nncf" else object())
    runtimes.needed("onnx")
    with pytest.raises(WorkbenchError, match=r"nncf, which is not installed.*utility-workbench\[runtimes\]"):
        runtimes.needed("onnx", "nncf")


def test_a_folder_without_layout_or_with_a_broken_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"runtime\.json"):
        RuntimeEncoder(tmp_path, "onnx/model.onnx")
    if not absent:
        (tmp_path / "model.onnx").write_bytes(b"no model")
        with pytest.raises(BadInput, match="cannot be opened"):
            sessions.session(tmp_path / "model.onnx")
