"""Every page in light and dark, on a full and an empty workspace, as axe-core judges it: WCAG and good practice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.tab import Tab
from tests.conftest import nothing, toy
from tests.screenshots import served, settled
from tests.workspaces import copy_of
from workbench.ui.shell.navigation import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# What no page can mend: the rule, and the element of Streamlit's that breaks it. The first is minor: the drop zone for
# files has role="presentation" and a label.
THEIRS = {("presentation-role-conflict", 'data-testid="stFileUploaderDropzone"')}

SHOWN = "theme => getComputedStyle(document.querySelector('.stApp')).colorScheme === theme"


@pytest.mark.parametrize("build", [toy, nothing])
def test_axe_finds_no_violation_on_any_page(browser: Any, tmp_path: Path, build: Any) -> None:
    violations = []
    with served(copy_of(build, tmp_path / "a workspace").path) as address:
        for name in (page.name for page in PAGES):
            tab = Tab(browser)
            tab.page.emulate_media(color_scheme="light")
            tab.open(f"{address}/{name}")
            tab.page.wait_for_selector('[data-testid="stSkeleton"]', state="detached")
            for theme in ("light", "dark"):
                tab.page.emulate_media(color_scheme=theme)
                tab.page.wait_for_function(SHOWN, arg=theme)
                settled(tab.page)
                violations += [f"{name}, {theme}: {one}" for one in violations_on(tab.page)]
            tab.page.close()
    assert violations == []


def violations_on(page: Any) -> list[str]:
    """Return what axe-core finds wrong on a page that a page of ours can mend."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    return [
        f"{violation['id']} ({violation['impact']}): {node['html']}"
        for violation in axe.Axe().run(page).response["violations"]
        for node in violation["nodes"]
        if not any(violation["id"] == rule and element in node["html"] for rule, element in THEIRS)
    ]
