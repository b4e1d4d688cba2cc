"""Engines by name: where the shards of scoring, encoding and search are computed, this process or many machines."""

from __future__ import annotations

from typing import Any, NamedTuple

from workbench.engines.local import LocalEngine
from workbench.engines.mapping import Engine, leftovers, map_shards
from workbench.engines.shards import ShardFolder, only_caller
from workbench.engines.work import Work
from workbench.family import Setting, make, settings_of

__all__ = [
    "ENGINES",
    "LOCAL",
    "Engine",
    "EngineKind",
    "LocalEngine",
    "ShardFolder",
    "Work",
    "engine",
    "engine_settings",
    "leftovers",
    "map_shards",
    "only_caller",
    "shard_folder",
]


class EngineKind(NamedTuple):
    """One kind of engine: what it is, in one line, and where it and its settings are implemented."""

    about: str
    implementation: str
    settings: str


ENGINES: dict[str, EngineKind] = {
    "local": EngineKind("this process", "workbench.engines.local:LocalEngine", "workbench.engines.local:LocalSettings"),
    "ray": EngineKind(
        "the machines of a Ray cluster, or processes of this one",
        "workbench.engines.ray_cluster:RayEngine",
        "workbench.engines.ray_cluster:RaySettings",
    ),
}
LOCAL = LocalEngine()


def engine(kind: str = "local", **settings: Any) -> Engine:
    """Return an engine by its name in ENGINES; nothing is started yet.

    Parameters
    ----------
    kind : str
        "local" or "ray".
    **settings
        The settings of this kind of engine: `shards` and `rows` of both, `address`, `workers`, `cpus` and `gpus` of
        "ray".

    Returns
    -------
    Engine
        What `score`, `candidates` and `evaluate` take as their engine.

    Raises
    ------
    UnknownName
        If there is no engine of this kind.
    BadSetting
        If a setting is unknown or has a value that cannot work, or Ray is not installed.

    Examples
    --------
    >>> engine = wb.engine("local", shards="shards")
    >>> wb.score(store, wb.teacher("lexical", smoothing=0.2), "dev", engine=engine).pairs
    48
    """
    made: Engine = make("engine", ENGINES, kind, settings)
    return made


def engine_settings(kind: str) -> tuple[Setting, ...]:
    """Return the settings of a kind of engine, with what they mean and their defaults."""
    return settings_of("engine", ENGINES, kind)


def shard_folder(engine: Engine, default: str, verb: str, recipe: str) -> ShardFolder | None:
    """Return the folder of an engine's shards, in `default` unless it names one; None if nothing goes through files."""
    return ShardFolder.of(engine.settings.shards or default, verb, recipe) if engine.uses_files else None
