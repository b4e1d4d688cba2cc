"""Pages read the workspace's revision where it has changed, and not with every question."""

from __future__ import annotations

import pytest

from tests.ui.pages import Visit
from workbench.records import Query
from workbench.store import Store
from workbench.ui.shell import cache


def test_a_click_that_changes_nothing_reads_no_revision(
    store: Store, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = visit(store, "utility")
    asked: list[bool] = []
    read = Store.revision

    def counted(self: Store, *, annotations: bool = True) -> int:
        asked.append(annotations)
        return read(self, annotations=annotations)

    monkeypatch.setattr(Store, "revision", counted)
    at.run()
    assert not asked
    store.add_collection([Query("new", "Anything new?", (), "test")])
    at.run()
    assert sorted(asked) == [False, True], "once for questions about annotations, once for the others"


def test_every_transaction_is_seen_at_once(store: Store) -> None:
    for number in range(5):
        before = cache.revision(store)
        other = Store(store.path)
        other.add_collection([Query(f"n{number}", "?", (), "test")])
        assert cache.revision(store) == before + 1 == store.revision()
        assert cache.counts(store).queries == cache.counts(other).queries == 5 + number


def test_hard_cases_are_shared_and_not_copied(store: Store) -> None:
    run = cache.runs(store)[0]
    assert cache.hard_cases(store, "toy", run) is cache.hard_cases(store, "toy", run)
