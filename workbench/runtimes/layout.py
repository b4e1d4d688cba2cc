"""What a student's modules do, told so that another runtime can do it too; what it could not do is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from workbench.errors import BadInput, BadSetting

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LAYOUT = "runtime.json"
Kind = Literal["query", "passage"]
# Whose prompt sentence-transformers takes for a kind of text: the first of these that the model has.
PROMPTS: Mapping[str, Sequence[str]] = {"query": ("query",), "passage": ("document", "passage", "corpus")}
ACTIVATIONS = ("Identity", "Tanh", "ReLU", "Sigmoid")
HINT = "Take it without --runtime: sentence-transformers opens every student."


@dataclass(frozen=True)
class Layout:
    """How a taken student reads texts and makes vectors of what its layers say; kept as runtime.json beside them.

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
    kinds = [type(module).__name__ for module in modules]
    prompts = {kind: _prompt(model, names) for kind, names in PROMPTS.items()}
    if kinds[0] == "StaticEmbedding":
        return Layout("none", {"query": None, "passage": None}, prompts, _dense(modules, 1, folder))
    if kinds[0] == "Router":
        _refuse("its Router sends queries and passages through different modules")
    if kinds[:2] != ["Transformer", "Pooling"]:
        _refuse(f"its modules begin with {' and '.join(kinds[:2])}, not with a transformer and its pooling")
    reader: Any = modules[0]
    pooling: Any = modules[1]
    if pooling.pooling_mode not in ("mean", "cls"):
        _refuse(f"it pools by {pooling.pooling_mode}; only mean and cls pooling are known")
    if not pooling.include_prompt and any(prompts.values()):
        _refuse("its pooling leaves the prompt out")
    if not getattr(model.tokenizer, "is_fast", False):
        _refuse("its tokenizer is none of the tokenizers library")
    longest = {
        "query": getattr(reader, "query_length", None) or model.max_seq_length,
        "passage": getattr(reader, "document_length", None) or model.max_seq_length,
    }
    lower = bool(getattr(reader, "do_lower_case", False))
    padding = int(model.tokenizer.pad_token_id or 0)
    return Layout(pooling.pooling_mode, longest, prompts, _dense(modules, 2, folder), lower, padding)


def save_layout(made: Layout, folder: Path) -> None:
    """Write runtime.json into a folder."""
    (folder / LAYOUT).write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")


def read_layout(folder: Path) -> Layout:
    """Read runtime.json; raises BadInput if the folder holds none, or a damaged one."""
    file = folder / LAYOUT
    try:
        return Layout(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(
            f"This does not say how the student reads ({error}).", file, hint="Take the student away once more."
        ) from error


def _prompt(model: SentenceTransformer, names: Sequence[str]) -> str:
    known = model.prompts or {}
    usual = known.get(model.default_prompt_name or "", "")
    # sentence-transformers gives every model empty prompts for query and document; they win over its usual one too.
    return next((str(known[name] or "") for name in names if name in known), str(usual or ""))


def _dense(modules: Sequence[Any], start: int, folder: Path) -> tuple[tuple[str, str], ...]:
    listed = folder / "modules.json"  # a plain transformers encoder has none, and no linear map either
    places = [one["path"] for one in json.loads(listed.read_text("utf-8"))] if listed.is_file() else [""] * len(modules)
    maps = []
    for place, module in zip(places[start:], modules[start:], strict=True):
        kind = type(module).__name__
        if kind == "Normalize":
            continue  # vectors are brought to length 1 at the end whatever the modules do
        if kind != "Dense":
            _refuse(f"it has a module of the kind {kind}")
        activation = type(module.activation_function).__name__
        plain = module.module_input_name == module.module_output_name == "sentence_embedding"
        if activation not in ACTIVATIONS or module.use_residual or not plain:
            _refuse(f"its linear map is of an unusual kind ({activation})")
        maps.append((str(place), activation))
    if "Normalize" in [type(module).__name__ for module in modules[start:-1]]:
        _refuse("it normalises before its last module")
    return tuple(maps)


def _refuse(why: str) -> NoReturn:
    raise BadSetting(f"This student cannot be written for another runtime: {why}.", HINT)
