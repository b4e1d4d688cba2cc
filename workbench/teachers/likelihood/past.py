"""What a model keeps of a beginning it has read: keys and values, for any number of continuations."""

from __future__ import annotations

import copy
from typing import Any


class Past:
    """Keys and values of one sequence's first `length` tokens, in the cache the model itself made for them."""

    def __init__(self, cache: Any, length: int) -> None:
        self._cache = cache
        self.length = length

    def repeated(self, rows: int) -> Any:
        """Return a cache of its own for `rows` sequences that all begin so; a model writes into the one it reads."""
        cache = copy.deepcopy(self._cache)
        cache.batch_repeat_interleave(rows)
        return cache
