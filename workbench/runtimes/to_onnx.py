"""A student's layers, or its table, as an ONNX model; in int8 on demand."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.runtimes.sessions import needed

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# The paths that sentence-transformers' and optimum's ONNX backends look for.
PLAIN = "onnx/model.onnx"
INT8 = "onnx/model_qint8.onnx"
OUTPUT = "last_hidden_state"
OPSET, IR_VERSION = 18, 10  # what ONNX Runtime has read since 1.18
AXES = ("batch_size", "sequence_length")


def write_onnx(model: SentenceTransformer, folder: Path, int8: bool = False) -> list[str]:
    """Write a student's first module into a folder as ONNX, and with `int8` once more in int8; return the files.

    A transformer gives its token vectors, (batch_size, sequence_length, d). In int8 its weights are, by output channel,
    whole numbers of 7 bits (8 would overflow on processors without VNNI), and its activations are rounded while it runs
    (ONNX Runtime's dynamic quantisation). A static table gives the mean of its rows, (batch_size, d); in int8 each row
    has a scale of its own.
    """
    needed("onnx", "onnxruntime", "onnxscript")
    file = folder / PLAIN
    file.parent.mkdir(parents=True, exist_ok=True)
    first: Any = model[0]
    if hasattr(first, "embedding"):
        table = first.embedding.weight.detach().float().cpu().numpy()
        _write_table(table, file)
        if int8:
            _write_table(table, folder / INT8, int8=True)
    else:
        _write_layers(model, file)
        if int8:
            _quantise(file, folder / INT8)
    return [PLAIN, INT8] if int8 else [PLAIN]


def _write_layers(model: SentenceTransformer, file: Path) -> None:
    import torch

    layers: Any = model[0].auto_model
    tokenizer = model.tokenizer
    example = tokenizer(["a text", "another text, a little longer"], padding=True, return_tensors="pt")
    parameters = inspect.signature(layers.forward).parameters
    names = [name for name in tokenizer.model_input_names if name in parameters and name in example]

    class Hidden(torch.nn.Module):
        """The last layer's token vectors and nothing else."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = layers

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            vectors: torch.Tensor = self.layers(**dict(zip(names, inputs, strict=True))).last_hidden_state
            return vectors

    axes = {dimension: torch.export.Dim(name) for dimension, name in enumerate(AXES)}
    # Fused attention hides its arithmetic from the exporter; the plain one comes to the same numbers.
    layers.set_attn_implementation("eager")
    try:
        with _quiet():
            torch.onnx.export(
                Hidden().eval(),
                tuple(example[name] for name in names),
                str(file),
                input_names=names,
                output_names=[OUTPUT],
                dynamic_shapes={"inputs": tuple(axes for _ in names)},
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WorkbenchError(f"This student's layers cannot be written as ONNX: {reason}") from error


def _quantise(source: Path, file: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with TemporaryDirectory(dir=file.parent) as folder, _quiet():
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(source), str(ready), skip_symbolic_shape=True)
        quantize_dynamic(str(ready), str(file), per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)


def _look_up(table: np.ndarray[Any, Any], int8: bool) -> tuple[list[Any], dict[str, Any]]:
    """Return the nodes from input_ids to the rows of a table (v, d), and the constants that they read."""
    from onnx import TensorProto, helper

    if not int8:
        nodes = [helper.make_node("Gather", ["table", "input_ids"], ["rows"])]
        return nodes, {"table": np.ascontiguousarray(table, np.float32)}
    scale = np.abs(table).max(axis=1, keepdims=True).astype(np.float32) / 127
    scale = np.where(scale > 0, scale, np.float32(1))
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["whole"]),
        helper.make_node("Gather", ["scale", "input_ids"], ["scales"]),
        helper.make_node("Cast", ["whole"], ["steps"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["steps", "scales"], ["rows"]),
    ]
    return nodes, {"scale": scale, "table": np.rint(table / scale).astype(np.int8)}


def _write_table(table: np.ndarray[Any, Any], file: Path, int8: bool = False) -> None:
    """Write the mean over a text's rows of a table (v, d) as a graph; the mask says which tokens are padding."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    look_up, constants = _look_up(table, int8)
    constants |= {"axis": np.array([1], np.int64), "last": np.array([2], np.int64), "one": np.float32(1)}
    nodes = [
        *look_up,
        helper.make_node("Cast", ["attention_mask"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "last"], ["mask"]),
        helper.make_node("Mul", ["rows", "mask"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "axis"], ["total"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "axis"], ["count"], keepdims=0),
        helper.make_node("Max", ["count", "one"], ["tokens"]),
        helper.make_node("Div", ["total", "tokens"], ["sentence_embedding"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, list(AXES)) for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, [AXES[0], table.shape[1]])
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "student", inputs, [output], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporters' logs and warnings for the block."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
