"""How much is left to chance, and how often: few examples while one works, more in CI, many in a soak.

The profile is dev, ci (where CI=true) or soak, or what HYPOTHESIS_PROFILE names. In CI the same examples are drawn each
time. A random moment, such as when to kill a training, comes from `moments`, whose seed is printed with every run:
WORKBENCH_TEST_SEED=<seed> repeats it.
"""

from __future__ import annotations

import os
import secrets

import pytest
from hypothesis import HealthCheck, settings

SHARES = {"dev": 0.2, "ci": 0.4, "soak": 10.0}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev")
USUAL = 100  # what Hypothesis tries of itself
# Set for children too: the workers of pytest-xdist draw what their parent draws.
SEED = int(os.environ.setdefault("WORKBENCH_TEST_SEED", str(secrets.randbits(32))))

for name, share in SHARES.items():
    settings.register_profile(
        name,
        max_examples=round(USUAL * share),
        deadline=None,  # torch's first call is slow, and so is a busy machine
        derandomize=name == "ci",
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
settings.load_profile(PROFILE)

ONLY_IN_A_SOAK = pytest.mark.skipif(PROFILE != "soak", reason="takes minutes: make soak")


def examples(count: int) -> settings:
    """Return settings that try the profile's share of `count` examples."""
    return settings(max_examples=max(2, round(count * SHARES[PROFILE])))
