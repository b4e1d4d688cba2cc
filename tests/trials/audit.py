"""Known holes in what is installed: pip-audit's answer, or a word on why there is none.

`python -m tests.trials.audit` ends with 1 where a version in constraints.txt has a published hole.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
SECONDS = 300.0
COMMAND = (
    sys.executable, "-m", "pip_audit", "--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip",
    "--format", "json", "--progress-spinner", "off", "--timeout", "15",
)  # fmt: skip


def answer() -> str:
    """Return what pip-audit prints: JSON, or nothing where it has failed; the reason goes to stderr."""
    try:
        run = subprocess.run(COMMAND, stdout=subprocess.PIPE, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return ""
    return run.stdout


def audit(printed: str) -> tuple[bool, str]:
    """Return whether nothing is known against any package, and that in words."""
    try:
        packages: list[dict[str, Any]] = json.loads(printed)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return True, "pip-audit: skipped, as the index of known holes does not answer here."
    looked_up = [package for package in packages if "vulns" in package]
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}" for package in looked_up for hole in package["vulns"]
    ]
    if not looked_up:
        return True, "pip-audit: skipped, as the index here knows none of the packages."
    left_out = f", {len(packages) - len(looked_up):,} unknown to the index" * (len(packages) > len(looked_up))
    return not holes, "\n".join(
        [f"pip-audit: {len(looked_up):,} packages, {len(holes):,} known holes{left_out}.", *holes]
    )


def main() -> None:
    """Print what is known, and end with 1 if that is anything."""
    good, words = audit(answer())
    print(words)
    sys.exit(not good)


if __name__ == "__main__":
    main()
