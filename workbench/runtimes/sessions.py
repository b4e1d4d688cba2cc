"""Inference sessions of ONNX Runtime and OpenVINO, by the suffix of the model file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import machine
from workbench.errors import BadInput, WorkbenchError

Session = Callable[[Mapping[str, NDArray[np.int64]]], NDArray[np.float32]]


def needed(*libraries: str) -> None:
    """Raise WorkbenchError unless these libraries of the extra `runtimes` are installed."""
    if missing := [name for name in libraries if find_spec(name) is None]:
        raise WorkbenchError(
            f"Other runtimes need {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed.",
            "pip install 'utility-workbench[runtimes]'",
        )


def threads() -> int:
    """Return how many threads a session may use: as many as torch does, so that speeds can be compared."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return int(threads) if threads.isdecimal() and int(threads) else machine.cores()


def session(file: Path) -> Session:
    """Load a model file; the session takes token ids by the names of the model's inputs, and ignores others."""
    try:
        return (_onnx if file.suffix == ".onnx" else _openvino)(file)
    except WorkbenchError:
        raise
    except Exception as error:  # both libraries raise classes of their own
        raise BadInput(f"This model cannot be opened: {error}", file) from error


def _onnx(file: Path) -> Session:
    needed("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    # Threads that spin while they wait slow down everything beside them, see machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    names = [node.name for node in model.get_inputs()]
    return lambda inputs: np.asarray(model.run(None, {name: inputs[name] for name in names})[0], np.float32)


def _openvino(file: Path) -> Session:
    needed("openvino")
    import openvino

    # Where the processor has bfloat16, OpenVINO would use it unasked, and the loss would be that of the rounding.
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads(), "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(file), "CPU", settings)
    names = [node.get_any_name() for node in model.inputs]
    return lambda inputs: np.array(model({name: inputs[name] for name in names})[0], np.float32)
