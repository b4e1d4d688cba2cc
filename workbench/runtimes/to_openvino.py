"""A student's layers as an OpenVINO model; in int8 on demand, calibrated on passages."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadSetting
from workbench.runtimes.encoder import RuntimeEncoder
from workbench.runtimes.sessions import needed
from workbench.runtimes.to_onnx import PLAIN as ONNX
from workbench.runtimes.to_onnx import write_onnx

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# The paths that sentence-transformers' and optimum's OpenVINO backends look for.
PLAIN = "openvino/openvino_model.xml"
INT8 = "openvino/openvino_model_qint8_quantized.xml"


def write_openvino(
    model: SentenceTransformer, folder: Path, calibration: Sequence[str] = (), int8: bool = False
) -> list[str]:
    """Write a student's layers into a folder for OpenVINO, in float32, and with `int8` once more; return the files.

    In int8 weights and activations are rounded; the range of activations is measured on the `calibration` texts (nncf's
    post-training quantisation). The folder must hold runtime.json and the tokenizer.
    """
    needed("openvino", "onnx", "onnxruntime", "onnxscript", *(["nncf"] if int8 else []))
    if hasattr(model[0], "embedding"):
        raise BadSetting(
            "A static student has no layers that OpenVINO could speed up: it is a table of token vectors.",
            "Export it with --runtime onnx, or as it is.",
        )
    import openvino

    (folder / PLAIN).parent.mkdir(parents=True, exist_ok=True)
    temporary = [] if (folder / ONNX).exists() else write_onnx(model, folder)
    converted = openvino.convert_model(str(folder / ONNX))
    # Half precision, its default, would be a second rounding.
    openvino.save_model(converted, str(folder / PLAIN), compress_to_fp16=False)
    if int8:
        openvino.save_model(_quantised(converted, folder, calibration), str(folder / INT8), compress_to_fp16=False)
    for file in temporary:
        (folder / file).unlink()
    if temporary:
        (folder / ONNX).parent.rmdir()
    return [PLAIN, INT8] if int8 else [PLAIN]


def _quantised(converted: Any, folder: Path, calibration: Sequence[str]) -> Any:
    import nncf

    nncf.set_log_level(logging.ERROR)
    encoder = RuntimeEncoder(folder, PLAIN)
    names = {node.get_any_name() for node in converted.inputs}
    batches = [
        {name: values for name, values in encoder.tokens("passage", [text]).items() if name in names}
        for text in calibration
    ]
    # Its progress bars go to standard output, where results are.
    with redirect_stdout(io.StringIO()):
        return nncf.quantize(
            converted, nncf.Dataset(batches), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(batches)
        )
