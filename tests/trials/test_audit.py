"""What the gate says of known holes: those there are, and why it cannot say where no index answers."""

from __future__ import annotations

import json

import pytest

from tests.trials.audit import audit

CLEAN = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (1)"}


@pytest.mark.parametrize(
    ("printed", "good", "words"),
    [
        ("", True, "skipped, as the index of known holes does not answer here"),
        ("not JSON", True, "skipped, as the index of known holes does not answer here"),
        (json.dumps({"dependencies": [UNKNOWN, UNKNOWN]}), True, "skipped, as the index here knows none"),
        (json.dumps({"dependencies": [CLEAN, UNKNOWN]}), True, "1 packages, 0 known holes, 1 unknown to the index"),
        (json.dumps({"dependencies": [CLEAN, HOLED]}), False, "2 packages, 1 known holes.\nb 2: CVE-1"),
    ],
)
def test_holes_fail_the_gate_and_an_index_that_is_silent_does_not(printed: str, good: bool, words: str) -> None:
    passed, message = audit(printed)
    assert passed == good
    assert words in message
