"""What a student's modules do, written so that another runtime can do it; what it could not do is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from workbench import files
from workbench.errors import BadInput, BadSetting

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LAYOUT = "runtime.json"
Kind = Literal["query", "passage"]
# Whose prompt sentence-transformers takes for a kind of text: the first of these that the model has.
PROMPTS: Mapping[str, Sequence[str]] = {"query": ("query",), "passage": ("document", "passage", "corpus")}
ACTIVATIONS = ("Identity", "Tanh", "ReLU", "Sigmoid")
HINT = "Export it without --runtime: sentence-transformers opens every student."


@dataclass(frozen=True)
class Layout:
    """How an exported student tokenises texts and pools its layers' outputs; runtime.json beside them.

    `pooling` is mean or cls of the token vectors, or none where the model gives a text's vector itself. `longest` is
    the most tokens of a query and of a passage, None without a limit. `dense` are the folders of the linear maps after
    pooling, each with the name of its activation.
    """

    pooling: Literal["mean", "cls", "none"]
    longest: Mapping[str, int | None]
    prompts: Mapping[str, str]
    dense: Sequence[tuple[str, str]] = ()
    lower_case: bool = False
    padding: int = 0


def layout(model: SentenceTransformer, folder: Path) -> Layout:
    """Return the layout of a student that was opened from `folder`; raises BadSetting for modules that are not known.

    Known are a transformer with mean or cls pooling, or a static table; after either, linear maps and normalisation.
    """
    modules = list(model)
    types = [type(module).__name__ for module in modules]
    prompts = {kind: _prompt(model, names) for kind, names in PROMPTS.items()}
    if types[0] == "StaticEmbedding":
        return Layout("none", {"query": None, "passage": None}, prompts, _dense(modules, 1, folder))
    if types[0] == "Router":
        _refuse("its Router sends queries and passages through different modules")
    if types[:2] != ["Transformer", "Pooling"]:
        _refuse(f"its modules begin with {' and '.join(types[:2])}, not with a transformer and its pooling")
    transformer: Any = modules[0]
    pooling: Any = modules[1]
    if pooling.pooling_mode not in ("mean", "cls"):
        _refuse(f"it pools by {pooling.pooling_mode}; only mean and cls pooling are known")
    if not pooling.include_prompt and any(prompts.values()):
        _refuse("its pooling leaves the prompt out")
    if not getattr(model.tokenizer, "is_fast", False):
        _refuse("its tokenizer is none of the tokenizers library")
    longest = {
        "query": getattr(transformer, "query_length", None) or model.max_seq_length,
        "passage": getattr(transformer, "document_length", None) or model.max_seq_length,
    }
    lower = bool(getattr(transformer, "do_lower_case", False))
    padding = int(model.tokenizer.pad_token_id or 0)
    return Layout(pooling.pooling_mode, longest, prompts, _dense(modules, 2, folder), lower, padding)


def save_layout(layout: Layout, folder: Path) -> None:
    """Write runtime.json into a folder."""
    files.write_text(folder / LAYOUT, json.dumps(asdict(layout), indent=2) + "\n")


def read_layout(folder: Path) -> Layout:
    """Read runtime.json; raises BadInput if the folder holds none, or a damaged one."""
    file = folder / LAYOUT
    try:
        return Layout(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"This is no layout of an exported student ({error}).", file, hint="Export the student again."
        ) from error


def _prompt(model: SentenceTransformer, names: Sequence[str]) -> str:
    prompts = model.prompts or {}
    default = prompts.get(model.default_prompt_name or "", "")
    # sentence-transformers gives every model empty prompts for query and document; they win over its default one too.
    return next((str(prompts[name] or "") for name in names if name in prompts), str(default or ""))


def _dense(modules: Sequence[Any], start: int, folder: Path) -> tuple[tuple[str, str], ...]:
    """Return the folder and the activation of each linear map among the modules from `start` on."""
    file = folder / "modules.json"  # a plain transformers encoder has none, and no linear map either
    entries = json.loads(file.read_text("utf-8")) if file.is_file() else [{"path": ""}] * len(modules)
    maps = []
    for entry, module in zip(entries[start:], modules[start:], strict=True):
        name = type(module).__name__
        if name == "Normalize":
            continue  # vectors are normalised at the end whatever the modules do
        if name != "Dense":
            _refuse(f"it has a module of the kind {name}")
        activation = type(module.activation_function).__name__
        plain = module.module_input_name == module.module_output_name == "sentence_embedding"
        if activation not in ACTIVATIONS or module.use_residual or not plain:
            _refuse(f"its linear map is of an unusual kind ({activation})")
        maps.append((str(entry["path"]), activation))
    if "Normalize" in [type(module).__name__ for module in modules[start:-1]]:
        _refuse("it normalises before its last module")
    return tuple(maps)


def _refuse(why: str) -> NoReturn:
    raise BadSetting(f"This student cannot be written for another runtime: {why}.", HINT)
