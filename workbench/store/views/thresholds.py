"""What thresholds of hard-case rules are, and how they are carried over from nats to a teacher's unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from workbench.errors import BadSetting
from workbench.records import UNITS, Unit, useful_above

# In these units, 0 is the answer's likelihood without the passage, and 1 is large.
NATS: tuple[Unit, ...] = ("nats per token", "nats")
SIGNIFICANT_DIGITS = 3


def useful_above_sql(unit: str, unknown: str) -> str:
    """Return an SQL expression for `useful_above` of a column of units, or `unknown` where the unit is."""
    cases = " ".join(f"when '{name}' then {useful_above(name)}" for name in UNITS if name != "unknown")
    return f"case {unit} {cases} else {unknown} end"


class UtilityScale(NamedTuple):
    """What counts as nothing and as much in a teacher's unit.

    `zero` is the unit's `useful_above`, and the mean of the teacher's utilities where the unit is unknown. `scale` is 1
    in nats and nats per token, and the standard deviation of the teacher's utilities in other units.
    """

    unit: Unit = "nats per token"
    zero: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Threshold:
    """A number at which a rule draws its line, with the words and bounds of an input for it.

    `default` holds in nats. A "utility" or a "distance" of utilities is carried over to the teacher's unit; a "rank",
    counted from 1, and a "share" are the same for every teacher.
    """

    name: str
    default: float
    kind: Literal["utility", "distance", "rank", "share"]
    label: str
    help: str
    low: float = -math.inf
    high: float = math.inf

    def usual(self, scale: UtilityScale) -> float:
        """Return the default for a teacher of this scale, of a few digits where it is not in nats."""
        if scale.unit in NATS or self.kind not in ("utility", "distance"):
            return int(self.default) if self.kind == "rank" else self.default
        value = self.default * scale.scale + (scale.zero if self.kind == "utility" else 0.0)
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")

    def checked(self, value: float) -> float:
        """Return a value of this threshold, a rank as an integer; raises BadSetting for one out of bounds."""
        whole = self.kind == "rank"
        if not self.low <= value <= self.high or not math.isfinite(value) or (whole and value != int(value)):
            bounds = [f"at least {self.low:g}"] * math.isfinite(self.low) + [f"at most {self.high:g}"] * math.isfinite(
                self.high
            )
            what = " and ".join([f"a {'whole' if whole else 'finite'} number", *bounds])
            raise BadSetting(f"The threshold {self.name} is {value:g}.", f"It is {what}: {self.help}")
        return int(value) if whole else float(value)
