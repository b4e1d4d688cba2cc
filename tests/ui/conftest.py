"""What the tests of all pages share: empty caches, and a visit to a page by its link."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache as remembered
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from tests.ui.pages import ROOT, Visit
from workbench.store import Store
from workbench.ui.shell import cache


@pytest.fixture(scope="session", autouse=True)
def _one_look_for_components() -> Iterator[None]:
    """Let Streamlit look for components once; it reads the metadata of every package anew each time a page runs."""
    with pytest.MonkeyPatch.context() as patch:
        scan = remembered(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def _fresh_caches() -> None:
    cache.forget()


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Return a function that opens a page of a workspace by its link."""

    def opened(where: Store | Path, page: str, **params: str) -> AppTest:
        monkeypatch.setenv("WORKBENCH_WORKSPACE", str(where.path if isinstance(where, Store) else where))
        at = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
        usual = {"before": "before", "after": "after"} if page == "diff" else {}
        for name, value in (usual | params).items():
            at.query_params[name] = value
        at.switch_page(f"pages/{page}.py")
        at.run()
        assert not at.exception, at.exception[0].message
        return at

    return opened
