"""The settings of a workspace: what its numbers and texts follow wherever nothing else is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, get_args

from workbench.errors import BadSetting
from workbench.records import INDEX_KINDS, IndexKind

if TYPE_CHECKING:
    import duckdb

    from workbench.store.store import Store

TitleJoin = Literal["space", "sentence", "newline"]
# What stands between the title and the text of a passage that has both.
TITLE_JOINS: dict[TitleJoin, str] = {"space": " ", "sentence": ". ", "newline": "\n"}
WithoutRelevant = Literal["zero", "left out"]


@dataclass(frozen=True)
class WorkspaceSettings:
    """What a workspace's numbers and texts follow wherever nothing else is asked for.

    A passage is relevant to a query with a relevance of `relevance` or more. `title_join` names what stands between
    title and text as students and teachers read them: a space, as in BEIR's published figures, a full stop, or a new
    line. A judged query of whose passages none is relevant counts as zero in means, as ir_measures and trec_eval
    count it, or is left out: `without_relevant`. `index` says how a dense student's passages are searched: exactly
    (flat), approximately by an index of faiss (int8, hnsw, ivfpq), or exactly while that is quick (auto).
    """

    relevance: int = field(default=1, metadata={"about": "the grade from which a passage counts as relevant"})
    title_join: TitleJoin = field(
        default="space",
        metadata={"about": f"what stands between a passage's title and text: {', '.join(TITLE_JOINS)}"},
    )
    without_relevant: WithoutRelevant = field(
        default="zero",
        metadata={
            "about": "what a judged query without any relevant passage counts as in means: "
            + ", ".join(get_args(WithoutRelevant))
        },
    )

    index: IndexKind = field(
        default="auto", metadata={"about": f"how vectors are searched: {', '.join(INDEX_KINDS)}; flat is exact"}
    )

    def __post_init__(self) -> None:
        if not isinstance(self.relevance, int) or isinstance(self.relevance, bool) or self.relevance < 1:
            raise BadSetting(f"relevance is {self.relevance!r}.", "It must be a whole number, 1 or more.")
        allowed = {
            "title_join": TITLE_JOINS,
            "without_relevant": get_args(WithoutRelevant),
            "index": INDEX_KINDS,
        }
        for name, choices in allowed.items():
            if getattr(self, name) not in choices:
                raise BadSetting(f"{name} is {getattr(self, name)!r}.", f"It can be {', '.join(choices)}.")


def unusual_settings(settings: WorkspaceSettings) -> dict[str, Any]:
    """Return the settings that differ from the usual ones, by name."""
    values = {setting.name: (getattr(settings, setting.name), setting.default) for setting in fields(settings)}
    return {name: value for name, (value, usual) in values.items() if value != usual}


class MeasureSettings(TypedDict, total=False):
    """The settings that a call can measure by in place of the workspace's; None is the workspace's."""

    relevance: int | None
    without_relevant: WithoutRelevant | None


class SearchSettings(MeasureSettings, total=False):
    """The same, and the index that a call searches by in place of the workspace's."""

    index: IndexKind | None


def settings_of(store: Store) -> WorkspaceSettings:
    """Return the settings that questions asked of `store` follow."""
    with store.read() as connection:
        return replace(read_settings(connection), **store.overrides)


def read_settings(connection: duckdb.DuckDBPyConnection) -> WorkspaceSettings:
    """Return the settings that an open database holds, the usual ones where it holds none."""
    held: dict[str, Any] = dict(connection.execute("select name, value from settings").fetchall())
    if "relevance" in held:
        held["relevance"] = int(held["relevance"])
    return WorkspaceSettings(**held)


def write_settings(connection: duckdb.DuckDBPyConnection, settings: WorkspaceSettings) -> None:
    """Keep settings in an open database."""
    for name, value in asdict(settings).items():
        connection.execute("insert or replace into settings values (?, ?)", [name, str(value)])
