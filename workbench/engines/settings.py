"""What every engine's settings have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.errors import BadSetting


@dataclass(frozen=True)
class ShardSettings:
    """Where shards lie and how large they are."""

    shards: str = field(
        default="",
        metadata={"about": "folder or URL of the shards, which every machine must see, such as s3://bucket/shards"},
    )
    rows: int = field(default=4096, metadata={"about": "pairs or texts of a shard, about: what a lost worker costs"})

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise BadSetting(f"rows is {self.rows!r}.", "A shard has at least one row.")
