"""A page in light and dark, as axe-core judges it: WCAG and good practice."""

from __future__ import annotations

from typing import Any

import pytest

from tests.screenshots import settled

# What no page can mend: the rule, and the element of Streamlit's that breaks it. The first is minor: the drop zone for
# files has role="presentation" and a label.
THEIRS = {("presentation-role-conflict", 'data-testid="stFileUploaderDropzone"')}

COLOURS = ["color-contrast", "link-in-text-block"]  # the rules that a theme can break

# A colour that fades into another has for a moment a contrast that nobody sees.
FADED = "Promise.allSettled(document.getAnimations().filter(one => one.transitionProperty).map(one => one.finished))"
SHOWN = "theme => getComputedStyle(document.querySelector('.stApp')).colorScheme === theme"


def violations(page: Any) -> list[str]:
    """Return what axe-core finds wrong on an open page, in light and in dark."""
    page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")
    return _in_theme(page, "light", {}) + _in_theme(page, "dark", {"runOnly": COLOURS})


def _in_theme(page: Any, theme: str, options: dict[str, Any]) -> list[str]:
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(SHOWN, arg=theme)
    settled(page)
    page.evaluate(FADED)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    return [
        f"{theme}: {violation['id']} ({violation['impact']}): {node['html']}"
        for violation in axe.Axe().run(page, options=options).response["violations"]
        for node in violation["nodes"]
        if not any(violation["id"] == rule and element in node["html"] for rule, element in THEIRS)
    ]
