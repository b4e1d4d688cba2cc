"""Which files a causal language model consists of, what they are fingerprinted by, and in which numbers it runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path

from workbench import machine
from workbench.errors import BadSetting
from workbench.hub import ModelFiles

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
DTYPES = ("float32", "bfloat16", "float16")


def fingerprint(folder: Path, also: Sequence[str] = ()) -> str:
    """Return 64 hex digits of a model's configuration, tokenizer and weights, and of other files, all read whole."""
    digest = sha256()
    for file in sorted({file for pattern in (*READ, *also) for file in folder.glob(pattern) if file.is_file()}):
        with file.open("rb") as opened:
            digest.update(
                f"{file.relative_to(folder).as_posix()}\t{file_digest(opened, sha256).hexdigest()}\n".encode()
            )
    return digest.hexdigest()


def model_name(setting: str | Path, folder: Path, also: Sequence[str] = ()) -> str:
    """Return a model's name and the beginning of its fingerprint, over `also` too, as one word without colons."""
    is_folder = Path(setting).expanduser().is_dir()
    name = folder.resolve().name if is_folder else str(setting)
    return "-".join(name.replace(":", "-").split()) + f"-{fingerprint(folder, also)[:6]}"


def dtype_of(setting: str, device: str) -> str:
    """Return the numbers to run in; "auto" is bfloat16 on devices that compute in it, else float32."""
    if setting not in ("auto", *DTYPES):
        raise BadSetting(f"dtype is {setting!r}.", f"It is 'auto' or one of {', '.join(DTYPES)}.")
    if setting != "auto":
        return setting
    return "bfloat16" if machine.fast_bfloat16(device) else "float32"


def _complete(folder: Path) -> bool:
    if not (folder / "config.json").is_file():
        return False
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return all((folder / shard).is_file() for shard in shards)
    return any(folder.glob("*.safetensors"))


FILES = ModelFiles(
    _complete,
    needs="config.json or safetensors weights",
    hint="Name a folder with config.json, safetensors and a tokenizer, or check the spelling and the network.",
    fetched=(*READ, "*.safetensors.index.json", "generation_config.json", "chat_template.jinja"),
    ignored=("original/*", "onnx/*", "consolidated*"),
)
