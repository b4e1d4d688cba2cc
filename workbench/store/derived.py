"""Utilities that are computed from stored ones, under a teacher's name of their own: readings and ensembles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from workbench.records import Unit
from workbench.store import arrow
from workbench.store.database.changes import Part
from workbench.store.database.connection import watched
from workbench.store.utilities import write_units

if TYPE_CHECKING:
    from workbench.store.store import Store

AnswersTaken = Literal["best", "mean", "all"]
ANSWERS_TAKEN: tuple[AnswersTaken, ...] = get_args(AnswersTaken)
RRF_K = 60  # Cormack, Clarke and Büttcher 2009
# Sums that were added up in another order differ in their last digits; such a utility is not another one.
SAME = 1e-9


class Definition(NamedTuple):
    """What a utility is of an answer's likelihoods: its unit, in words, and as SQL of `gain`, `tokens` and others."""

    unit: Unit
    about: str
    sql: str


# Of log-likelihoods with and without the passage, summed over the answer's tokens.
_PERPLEXITY = "exp(-{a}.{which}_passage / {a}.tokens)"
_WITH, _WITHOUT = (_PERPLEXITY.replace("{which}", which) for which in ("with", "without"))
_GAIN = "({a}.with_passage - {a}.without_passage)"
DEFINITIONS: dict[str, Definition] = {
    "mean": Definition("nats per token", "reduction of log-perplexity", f"{_GAIN} / {{a}}.tokens"),
    "sum": Definition("nats", "gain in log-likelihood, summed over the answer's tokens", _GAIN),
    "perplexity": Definition("perplexity", "reduction of perplexity", f"{_WITHOUT} - {_WITH}"),
    "relative": Definition(
        "share of perplexity", "reduction of perplexity, as a share of that without the passage",
        f"1 - exp(-{_GAIN} / {{a}}.tokens)",
    ),
}  # fmt: skip

# One query's utilities of one teacher, to one scale; equal ones share the mean of their ranks.
_TIED = "(count(*) over (partition by teacher, query_id, value) - 1) / 2"
NORMALISATIONS: dict[str, tuple[Unit, str]] = {
    "z-score": (
        "standard deviations",
        "case when max(value) over q = min(value) over q then 0 "
        "else (value - avg(value) over q) / stddev_pop(value) over q end",
    ),
    "min-max": (
        "share of range",
        "case when max(value) over q = min(value) over q then 0.5 "
        "else (value - min(value) over q) / (max(value) over q - min(value) over q) end",
    ),
    "rank": (
        "share of range",
        "case when count(*) over q = 1 then 0.5 "
        f"else (rank() over (q order by value) - 1 + {_TIED}) / (count(*) over q - 1) end",
    ),
    "rrf": ("reciprocal rank", f"1 / ({RRF_K} + rank() over (q order by value desc) + {_TIED})"),
}


class DerivedCounts(NamedTuple):
    """How many utilities a teacher that is derived from others has, and what became of them in this call."""

    pairs: int
    added: int
    changed: int
    removed: int
    not_finite: int


def derive_reading(store: Store, teacher: str, name: str, definition: str, answers: AnswersTaken) -> DerivedCounts:
    """Write utilities of another definition, read from a teacher's likelihoods, under `name`; those there are kept."""
    of_one = DEFINITIONS[definition].sql.format(a="a")
    if answers == "all":
        sums = ", ".join(
            f"{part} := list_sum(list_transform(answers, lambda a: a.{part}))"
            for part in ("with_passage", "without_passage", "tokens")
        )
        value, source = of_one, f"(select *, struct_pack({sums}) as a from utilities)"
    else:
        reduced = "list_max" if answers == "best" else "list_avg"
        value, source = f"{reduced}(list_transform(answers, lambda a: {of_one}))", "utilities"
    select = f"""
        select query_id, passage_id, {value} as value, truncated from {source}
        where teacher = $source and len(answers) > 0
    """
    return _derive(store, name, DEFINITIONS[definition].unit, select, {"source": teacher})


def derive_ensemble(
    store: Store, name: str, teachers: Sequence[str], weights: Sequence[float], normalisation: str
) -> DerivedCounts:
    """Write the weighted sum of several teachers' utilities, normalised per query over the pairs that all have."""
    unit, value = NORMALISATIONS[normalisation]
    select = f"""
        with normalised as (
            select query_id, passage_id, teacher, weight, truncated, {value} as value
            from utilities join ({_PARTS}) using (teacher) semi join ({_COMMON}) using (query_id, passage_id)
            window q as (partition by teacher, query_id)
        )
        select query_id, passage_id, sum(weight * value) as value,
               max(truncated) as truncated
        from normalised group by query_id, passage_id
    """
    return _derive(store, name, unit, select, {"teachers": list(teachers), "weights": list(weights)})


_PARTS = "select unnest($teachers::varchar[]) as teacher, unnest($weights::double[]) as weight"
_COMMON = """
    select query_id, passage_id from utilities where list_contains($teachers, teacher)
    group by query_id, passage_id having count(*) = len($teachers)
"""


def lacking_pairs(store: Store, teachers: Sequence[str]) -> dict[str, int]:
    """Return teacher -> how many pairs it lacks that another of `teachers` has scored."""
    with store.read() as connection:
        rows = connection.execute(
            """
            with pairs as (
                select count(distinct (query_id, passage_id)) as scored from utilities
                where list_contains($teachers::varchar[], teacher)
            )
            select teacher, any_value(scored) - count(query_id) from (select unnest($teachers::varchar[]) as teacher)
            left join utilities using (teacher) cross join pairs group by teacher order by teacher
            """,
            {"teachers": list(teachers)},
        ).fetchall()
    return {teacher: lacking for teacher, lacking in rows if lacking}


_DIFFERING = """
    create temp table differing as select c.* from computed c
    left join (select * from utilities where teacher = $name) u using (query_id, passage_id)
    where u.value is null or abs(u.value - c.value) > $same * greatest(1, abs(c.value))
"""
_REMOVE = """
    delete from utilities where teacher = $name and not exists (
        from computed c where c.query_id = utilities.query_id and c.passage_id = utilities.passage_id
    )
"""
_REMOVE_DIFFERING = """
    delete from utilities using differing d
    where teacher = $name and d.query_id = utilities.query_id and d.passage_id = utilities.passage_id
"""


def _derive(store: Store, name: str, unit: Unit, select: str, values: Mapping[str, Any]) -> DerivedCounts:
    """Make a teacher's utilities those that `select` gives: add new ones, correct what differs, drop what is gone."""
    of_name = Part("utilities", name)
    with store.write(of_name, "teachers") as connection, watched(connection, "derive"):
        connection.execute(f"create temp table computed as {select}", values)
        not_finite = arrow.changed(
            connection.execute("delete from computed where value is null or not isfinite(value)")
        )
        connection.execute(_DIFFERING, {"name": name, "same": SAME})
        removed = arrow.changed(connection.execute(_REMOVE, {"name": name}))
        changed = arrow.changed(connection.execute(_REMOVE_DIFFERING, {"name": name}))
        written = arrow.changed(
            connection.execute(
                "insert into utilities select query_id, passage_id, $name, value, [], truncated from differing",
                {"name": name},
            )
        )
        ((pairs,),) = connection.execute("select count(*) from computed").fetchall()
        if pairs:
            write_units(connection, {name: unit}, replace=False)
        connection.execute("drop table computed; drop table differing")
    return DerivedCounts(pairs, written - changed, changed, removed, not_finite)
