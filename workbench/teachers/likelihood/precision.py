"""Whether a causal language model says the same in bfloat16 as in float32, on a text of its own."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from workbench.errors import ModelUnavailable
from workbench.teachers.likelihood.causal import CausalModel
from workbench.teachers.likelihood.sharing import Continuation

# Read for the comparison, whatever the collection: a teacher's name must not follow what is ingested later.
TEXT = (
    "The oil crisis began in October 1973, when the members of OAPEC proclaimed an embargo. By the end of it in March "
    "1974 the price of oil had risen from 3 to nearly 12 US dollars a barrel. Question: When did the crisis begin?\n"
    "Answer: October 1973. Question: How far did the price rise?\nAnswer: to nearly 12 US dollars."
)
TOKENS = 4  # scored together, as of a short answer
# Largest difference of a short answer's log-likelihood per token, in nats, with which bfloat16 is exact enough.
# Passages that help raise it by a tenth of a nat to several.
LARGEST_DIFFERENCE = 0.05
# Bytes of weights up to which a model is loaded in float32 too; a file may hold 16 bits of each number.
LARGEST_FILES = 8 * 1024**3


class Precision(NamedTuple):
    """The numbers a model runs in, and how far bfloat16 was from float32, None if that was not compared."""

    dtype: str
    difference: float | None

    @property
    def in_words(self) -> str:
        """Return what was chosen, and why."""
        if self.difference is None:
            return f"{self.dtype}, not compared with float32, as the model is large"
        return f"{self.dtype}: bfloat16 differs by up to {self.difference:.2g} nats per token of a short answer"


def choose(folder: Path, device: str) -> tuple[Precision, CausalModel]:
    """Return bfloat16 where it is exact enough or the model is too large to compare, else float32, and the model."""
    if sum(file.stat().st_size for file in folder.glob("*.safetensors")) > LARGEST_FILES:
        return Precision("bfloat16", None), CausalModel(folder, "bfloat16", device)
    try:
        quick = CausalModel(folder, "bfloat16", device)
        answers = _log_likelihoods(quick)
    except ModelUnavailable:  # no finite numbers, or none that do not follow later tokens
        return Precision("float32", float("inf")), CausalModel(folder, "float32", device)
    exact = CausalModel(folder, "float32", device)
    difference = float(np.abs(answers - _log_likelihoods(exact)).max(initial=0)) / TOKENS
    is_exact_enough = difference <= LARGEST_DIFFERENCE
    return Precision("bfloat16" if is_exact_enough else "float32", difference), quick if is_exact_enough else exact


def _log_likelihoods(model: CausalModel) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the log-likelihood of every few tokens of the text after those before them."""
    ids = np.array(model.tokenizer(TEXT)["input_ids"][: model.limit], dtype=np.int32)
    starts = range(TOKENS, len(ids) - TOKENS + 1, TOKENS)
    return np.array(model.log_likelihoods([Continuation(ids[:at], ids[at : at + TOKENS]) for at in starts], 8192))
