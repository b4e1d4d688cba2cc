"""Whether bfloat16 pays for a model on this machine: measured once, on real texts, and saved."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench import files

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PRECISIONS = ("float32", "bfloat16")
TEXTS = 16
# Below this gain, vectors that are a little off are a bad bargain.
SPEEDUP = 1.3
# Two unit vectors at this cosine are 0.032 apart, the most that any similarity can then be off. all-MiniLM-L6-v2 in
# bfloat16 stays above 0.9999 on squad_dev, and its R@1 does not move.
LEAST_COSINE = 0.9995


@dataclass(frozen=True)
class Choice:
    """A precision and why: how many times faster bfloat16 was, and its least cosine to float32 (0: not measured)."""

    precision: str
    speedup: float = 0.0
    cosine: float = 0.0


def measure(model: SentenceTransformer, texts: Sequence[str]) -> tuple[Choice, SentenceTransformer | None]:
    """Try a bfloat16 copy of a float32 model on up to 16 texts; return the choice, and the copy if it is chosen."""
    by_length = sorted(dict.fromkeys(texts), key=len)
    sample = by_length[:: max(1, len(by_length) // TEXTS)][:TEXTS]
    half = copy.deepcopy(model).bfloat16()
    exact, slow = _best_of_two(lambda: _unit_vectors(model, sample))
    near, fast = _best_of_two(lambda: _unit_vectors(half, sample))
    speedup, cosine = slow / fast, float(np.min(np.sum(exact * near, axis=1)))
    if speedup >= SPEEDUP and cosine >= LEAST_COSINE:
        return Choice("bfloat16", round(speedup, 2), round(cosine, 6)), half
    return Choice("float32", round(speedup, 2), round(cosine, 6)), None


def load_choices(file: Path) -> dict[str, Choice]:
    """Return the choices made so far, by CPU; an unreadable file is as good as none, as it can be measured again."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        choices = {cpu: Choice(**value) for cpu, value in values.items()}
        return {cpu: choice for cpu, choice in choices.items() if choice.precision in PRECISIONS}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def save_choice(file: Path, cpu: str, choice: Choice) -> None:
    """Save the choice made on a CPU, beside those of others."""
    choices = load_choices(file) | {cpu: choice}
    files.write_text(file, json.dumps({name: asdict(value) for name, value in choices.items()}, indent=2) + "\n")


def _best_of_two(encode: Callable[[], NDArray[np.float64]]) -> tuple[NDArray[np.float64], float]:
    """Return the vectors and the seconds of the faster of two tries; the slower one also bears the warming up."""
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        vectors = encode()
        seconds.append(time.perf_counter() - began)
    return vectors, min(seconds)


def _unit_vectors(model: SentenceTransformer, texts: Sequence[str]) -> NDArray[np.float64]:
    vectors = np.asarray(model.encode(list(texts), batch_size=TEXTS, show_progress_bar=False), dtype=np.float64)
    unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
