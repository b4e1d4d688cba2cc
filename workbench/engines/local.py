"""The engine of one machine: this process, one shard after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from workbench.engines.mapping import finish
from workbench.engines.settings import ShardSettings
from workbench.engines.shards import ShardFolder
from workbench.engines.work import Work


@dataclass(frozen=True)
class LocalSettings(ShardSettings):
    """The settings of the local engine: without `shards` nothing goes through files."""


@dataclass(frozen=True)
class LocalEngine:
    """Computes in this process; through files only if its settings say where."""

    settings: LocalSettings = field(default_factory=LocalSettings)

    @property
    def uses_files(self) -> bool:
        """Return whether shards go through files."""
        return bool(self.settings.shards)

    def compute(self, work: Work[Any, Any], folder: ShardFolder, names: Iterator[str]) -> Iterator[str]:
        """Yield the names of shards as they are finished, in order."""
        function = work.start()
        for name in names:
            finish(work, function, folder, name)
            yield name
