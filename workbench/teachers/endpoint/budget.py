"""What asking a server costs in requests, tokens and money, and the budget that it stays within."""

from __future__ import annotations

from typing import NamedTuple

from workbench.errors import BudgetSpent
from workbench.results import counted
from workbench.teachers.endpoint.settings import ServerOptions

MILLION = 1_000_000


class Prices(NamedTuple):
    """What a million tokens cost that the model reads and writes; None if that is not known."""

    input: float | None
    output: float | None


class Usage(NamedTuple):
    """What is asked of a server: requests, tokens that the model reads and writes, and their price, None if unknown."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    prices: Prices = Prices(None, None)

    def plus(self, other: Usage, sign: int = 1) -> Usage:
        """Return the sum of two usages at this one's prices; their difference for a sign of -1."""
        return Usage(
            self.requests + sign * other.requests,
            self.input_tokens + sign * other.input_tokens,
            self.output_tokens + sign * other.output_tokens,
            self.prices,
        )

    @property
    def tokens(self) -> int:
        """Return the tokens that are read and written."""
        return self.input_tokens + self.output_tokens

    @property
    def cost(self) -> float | None:
        """Return the cost in the currency of the prices; None if one of them is not known."""
        read, written = self.prices
        if read is None or written is None:
            return None
        return (self.input_tokens * read + self.output_tokens * written) / MILLION

    @property
    def in_words(self) -> str:
        """Return it as people read it, the cost only if it is known."""
        words = f"{counted(self.requests, 'request')}, {counted(self.tokens, 'token')}"
        return words if self.cost is None else f"{words}, at a cost of {self.cost:,.4g}"


class Budget:
    """Counts what is spent, and what is reserved for requests under way, which may yet turn out cheaper."""

    def __init__(self, options: ServerOptions) -> None:
        named = {name: getattr(options, name) for name in ("max_requests", "max_total_tokens", "max_cost")}
        self._limits = {name: limit for name, limit in named.items() if limit is not None}
        self.spent = Usage(prices=Prices(options.input_price, options.output_price))
        self._reserved = Usage()

    def reserve(self, usage: Usage) -> bool:
        """Take what a request may cost at most; False if it has to wait for what others give back.

        Raises BudgetSpent if nothing is under way that could give something back.
        """
        exceeded = self._exceeded(self.spent.plus(self._reserved).plus(usage))
        if not exceeded:
            self._reserved = self._reserved.plus(usage)
            return True
        # Requests are never given back.
        if exceeded != "max_requests" and self._reserved.requests:
            return False
        raise BudgetSpent(
            f"The budget of {exceeded}={self._limits[exceeded]:g} is spent: "
            f"{self.spent.plus(self._reserved).in_words}.",
            "What was answered is kept. Run it again, with a larger budget or the same one anew, to go on.",
        )

    def settle(self, reserved: Usage, actual: Usage) -> None:
        """Give a reservation back for what the request did cost."""
        self._reserved = self._reserved.plus(reserved, -1)
        self.spent = self.spent.plus(actual)

    def _exceeded(self, usage: Usage) -> str:
        """Return the first limit that a usage exceeds; empty if none."""
        amounts = {"max_requests": usage.requests, "max_total_tokens": usage.tokens, "max_cost": usage.cost or 0.0}
        # Sums of prices have rounding errors, which no budget should fail by.
        return next((name for name, limit in self._limits.items() if amounts[name] > limit * (1 + 1e-12)), "")
