"""Runtimes: a student as a model of ONNX Runtime or OpenVINO, and an encoder for it without torch."""

from workbench.runtimes.encoder import RuntimeEncoder
from workbench.runtimes.layout import LAYOUT, Layout, layout, save_layout
from workbench.runtimes.sessions import needed
from workbench.runtimes.to_onnx import write_onnx
from workbench.runtimes.to_openvino import write_openvino

__all__ = ["LAYOUT", "Layout", "RuntimeEncoder", "layout", "needed", "save_layout", "write_onnx", "write_openvino"]
