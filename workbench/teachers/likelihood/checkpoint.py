"""Where a causal language model's files are, what they are fingerprinted by, and in which numbers to run them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import file_digest, sha256
from pathlib import Path

from workbench.errors import BadSetting, ModelUnavailable

# All that can change a number; the weights are read by these patterns alone, so that no pickle is ever opened.
READ = (
    "config.json",
    "*.safetensors",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
)
DOWNLOADED = (*READ, "*.safetensors.index.json", "generation_config.json", "chat_template.jinja")
ASIDE = ("original/*", "onnx/*", "consolidated*")
DTYPES = ("float32", "bfloat16", "float16")


def folder_of(model: str) -> Path:
    """Return the folder of a model: `model` itself if it is one, else that name's from the hub's cache or the hub."""
    path = Path(model).expanduser()
    if path.is_dir():
        if not _complete(path):
            raise ModelUnavailable(f"{path} lacks config.json or safetensors weights.", "Name a whole model folder.")
        return path
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    hint = "Name a folder with config.json, safetensors and a tokenizer, or check the spelling and the network."
    try:
        try:
            cached = Path(snapshot_download(model, local_files_only=True))
        except FileNotFoundError:
            cached = None
        if cached is not None and _complete(cached):
            return cached
        fresh = Path(snapshot_download(model, allow_patterns=list(DOWNLOADED), ignore_patterns=list(ASIDE)))
    except HFValidationError as error:
        raise ModelUnavailable(f"{model!r} is neither a folder here nor a name that a hub could know.", hint) from error
    except Exception as error:  # the hub's client, its transport and the disk fail in many types; all mean the same
        reason = str(error).strip().splitlines()
        why = reason[0] if reason else type(error).__name__
        raise ModelUnavailable(f"The model {model!r} could not be fetched: {why.rstrip('.')}.", hint) from error
    if not _complete(fresh):
        raise ModelUnavailable(f"The model {model!r} has no safetensors weights.", "Convert it, and name its folder.")
    return fresh


def fingerprint(folder: Path) -> str:
    """Return 64 hex digits of a model's configuration, tokenizer and weights, all read whole."""
    digest = sha256()
    for file in sorted({file for pattern in READ for file in folder.glob(pattern) if file.is_file()}):
        with file.open("rb") as opened:
            digest.update(f"{file.name}\t{file_digest(opened, sha256).hexdigest()}\n".encode())
    return digest.hexdigest()


def device_of(setting: str) -> str:
    """Return the torch device that a setting means; "auto" is cuda where there is one, else cpu."""
    if setting != "auto":
        return setting
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def dtype_of(setting: str, device: str) -> str:
    """Return the numbers to run in; "auto" is bfloat16 on cuda and on processors that compute in it, else float32.

    On processors without it bfloat16 is emulated and many times slower than float32.
    """
    if setting in DTYPES:
        return setting
    if setting != "auto":
        raise BadSetting(f"dtype is {setting!r}.", f"It is 'auto' or one of {', '.join(DTYPES)}.")
    if device.startswith("cuda"):
        return "bfloat16"
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & set(_cpu_flags()) else "float32"


def _cpu_flags() -> Iterator[str]:
    listing = Path("/proc/cpuinfo")
    if not listing.exists():
        return
    for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("flags"):
            yield from line.split()
            return


def _complete(folder: Path) -> bool:
    if not (folder / "config.json").is_file():
        return False
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return all((folder / shard).is_file() for shard in shards)
    return any(folder.glob("*.safetensors"))
