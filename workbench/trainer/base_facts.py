"""What is known of the base a training begins with: its nature, its texts, and what they cost on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Precision = Literal["float32", "bfloat16"]
# From 0 to 100.
PERCENTILES = 101
# All but one in a hundred passages are trained on whole.
SHARE_WHOLE = 0.99


@dataclass(frozen=True)
class Lengths:
    """The tokens of texts as a base reads them: percentiles 0 to 100 of passages, and the mean of queries."""

    passages: tuple[int, ...]
    queries: float

    def __post_init__(self) -> None:
        if len(self.passages) != PERCENTILES:
            raise ValueError(f"{len(self.passages)} percentiles are not {PERCENTILES}.")

    @property
    def most(self) -> int:
        """Return where training truncates unless it is told."""
        return self.passages[round(100 * SHARE_WHOLE)]

    def mean(self, most: int | None) -> float:
        """Return the mean tokens of a passage that is truncated after so many."""
        return float(np.minimum(self.passages, most or self.passages[-1]).mean())


@dataclass(frozen=True)
class TokenCosts:
    """What a token costs: seconds of a forward and backward pass, of a forward pass alone, and bytes of activations.

    `stored_seconds` are those of a forward and backward pass where the outputs of frozen layers are known already, and
    `stored_bytes` what these take of memory, 0 where none are stored.
    `weights` are the bytes of the model's weights; `speedup` is how many times faster bfloat16 was than float32, 0
    where that was not measured.
    """

    precision: Precision
    seconds: float
    reading_seconds: float
    stored_seconds: float
    activations: float
    weights: int
    stored_bytes: float = 0.0
    speedup: float = 0.0


@dataclass(frozen=True)
class BaseFacts:
    """What of a base decides settings that are left open.

    `static`: it is a table of token vectors; `dimension`: how long its vectors are, as a low-rank change of them has no
    higher rank; `lengths` and `costs`: its texts and what they cost here, where that was measured; `dense`: it maps a
    text to one dense vector.
    """

    static: bool
    dimension: int | None = None
    lengths: Lengths | None = None
    costs: TokenCosts | None = None
    dense: bool = True
