"""When a request that failed is sent again: after which answers, and after how many seconds."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Statuses of a server that is busy or restarting: RFC 9110, 425 of RFC 8470, 429 of RFC 6585.
PASSING = frozenset({408, 409, 425, 429})
FIRST_WAIT = 0.5  # seconds, doubled each time


def is_passing(status: int) -> bool:
    """Return whether the same request may succeed a little later."""
    return status in PASSING or (status >= 500 and status != 501)  # 501: it will never do this


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return how many seconds a server asks to wait, by number or date (RFC 9110, 10.2.3); None if it does not say."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def wait(attempt: int, asked: float | None, longest: float, draw: random.Random) -> float:
    """Return the seconds before attempt `attempt` + 1, at most `longest`.

    Exponential backoff with jitter: between half and the whole of FIRST_WAIT x 2^attempt, so that those who failed
    together do not come back together. What the server asked for is waited at least.
    """
    backoff = FIRST_WAIT * 2.0 ** min(attempt, 16) * draw.uniform(0.5, 1.0)
    if asked is not None:
        # Jitter on top, or all would be back at the same moment.
        backoff = asked + draw.uniform(0.0, FIRST_WAIT)
    return float(min(backoff, longest))
