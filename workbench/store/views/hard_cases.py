"""Hard cases: pairs that a named rule says are worth a person's minute."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.errors import NothingToDo
from workbench.records import Run
from workbench.store.collection import HAS_TEXT
from workbench.store.kept import kept_rows
from workbench.store.views.hard_case_rules import RULES, SCALES, Thresholds
from workbench.store.views.scored.utilities import find_teacher, teachers
from workbench.store.views.thresholds import UtilityScale
from workbench.store.workspace_settings import settings_of

if TYPE_CHECKING:
    import duckdb

    from workbench.store.store import Store


class Reason(NamedTuple):
    """Why a pair is a hard case: the rule, its finding in words, and how strong it is, from 0 to 1."""

    rule: str
    why: str
    strength: float


class HardCase(NamedTuple):
    """One pair and all its reasons, strongest first; `strength` adds them up, and larger is worse."""

    query_id: str
    passage_id: str
    reasons: tuple[Reason, ...]
    strength: float
    utility: float | None
    before: int | None
    after: int | None
    relevance: int | None
    relevant: bool = False

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the names of the rules that chose it, the strongest first."""
        return tuple(dict.fromkeys(reason.rule for reason in self.reasons))

    @property
    def why(self) -> str:
        """Return all its reasons in words."""
        return "; ".join(reason.why for reason in self.reasons)


# The queries that are searched, all of the run's or so many; which ones depends on nothing but their ids.
_SEARCHED = """
    searched as materialized (
        select query_id from (select distinct query_id from hits where run = $after) order by md5(query_id)
        limit $queries
    )
"""
_PAIR = """
    pair as materialized (
        select after.query_id, after.passage_id, u.value as utility, before.rank as before, after.rank as after,
               after.similarity, q.relevance
        from (from hits semi join searched using (query_id) where run = $after) after
        left join (from hits semi join searched using (query_id) where run = $before) before
             using (query_id, passage_id)
        left join (from utilities semi join searched using (query_id) where teacher = $teacher) u
             using (query_id, passage_id)
        left join qrels q using (query_id, passage_id)
    ), best as (
        select query_id, arg_max(passage_id, (utility, passage_id)) as passage_id from pair
        where utility is not null group by query_id
    ), second as (select query_id, similarity as runner_up from pair where after = 2)
"""

# Whoever judges the first fifty is to see many kinds of cases. A query is of the kind of its strongest case; the rules
# take turns; within a rule the k-th query with the same utility counts 1/k. The hash mixes queries of neighbouring ids.
_TURNS = """
    strongest as (
        select query_id, max(total) as strength,
               arg_max((all_reasons[1].rule, round(utility, 2)), (total, passage_id)) as kind
        from cases group by query_id
    ), weighted as (
        select query_id, kind[1] as rule,
               strength / row_number() over (partition by kind order by strength desc, md5(query_id)) as weight
        from strongest
    ), turns as (
        select query_id, weight, row_number() over (partition by rule order by weight desc, md5(query_id)) as turn
        from weighted
    )
"""


class Part(NamedTuple):
    """Which of the hard cases: those of one rule, so many from the start, and of so many queries; else all.

    Where `queries` are fewer than the run has, it is an even sample of them, the same one each time.
    """

    rule: str = ""
    limit: int | None = None
    queries: int | None = None


ALL_CASES = Part()


class CaseCounts(NamedTuple):
    """How many hard cases there are, and how many each rule has chosen; a case of two rules counts under both."""

    cases: int
    rules: dict[str, int]


def hard_cases(
    store: Store,
    teacher: str | None,
    after: Run,
    before: Run | None = None,
    thresholds: Thresholds | None = None,
    part: Part = ALL_CASES,
) -> list[HardCase]:
    """Return the hard cases of a run, a pair once with all its reasons, in an order that is worth judging from the top.

    A query's cases stand together, the greatest disagreement first. The rules take turns, each with the query that
    disagrees most; queries whose strongest case has the same rule and utility are spread among the others.
    "got worse" needs `before`, "teachers disagree" a second teacher; without a teacher, only the rules that need no
    utilities are asked. Ranks below a run's depth are known for its candidates alone. What is known by id only has no
    text that a person could judge, and is no case.
    """
    with numbered_cases(store, (teacher, after, before), thresholds, part.queries) as (connection, cases):
        rows = connection.execute(cases_statement(cases), {"rule": part.rule, "limit": part.limit}).fetchall()
    return [as_case(*row) for row in rows]


def cases_statement(cases: str) -> str:
    """Return the statement that selects those of a $rule, so many ($limit), from `numbered_cases`, in their order."""
    return f"""
        select * exclude (place) from {cases}
        where $rule = '' or list_contains(list_transform(all_reasons, lambda r: r.rule), $rule)
        order by place limit $limit
    """


def as_case(query_id: str, passage_id: str, reasons: Sequence[Mapping[str, Any]], *rest: Any) -> HardCase:
    """Return a row of that statement as a hard case."""
    return HardCase(query_id, passage_id, tuple(Reason(**reason) for reason in reasons), *rest)


def case_counts(
    store: Store,
    teacher: str | None,
    after: Run,
    before: Run | None = None,
    thresholds: Thresholds | None = None,
    part: Part = ALL_CASES,
) -> CaseCounts:
    """Return how many hard cases of a run, or of a part of its queries, there are, in all and of every rule."""
    with numbered_cases(store, (teacher, after, before), thresholds, part.queries) as (connection, cases):
        ((total,),) = connection.execute(f"select count(*) from {cases}").fetchall()
        of_rules = connection.execute(
            f"select rule, count(*) from (select unnest(list_distinct(list_transform(all_reasons, lambda r: r.rule))) "
            f"as rule from {cases}) group by rule"
        ).fetchall()
    return CaseCounts(total, {rule: dict(of_rules).get(rule, 0) for rule in RULES})


@contextmanager
def numbered_cases(
    store: Store,
    compared: tuple[str | None, Run, Run | None],
    thresholds: Thresholds | None,
    queries: int | None,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Hold a connection for the block, and what a statement can select all hard cases from, by `place` in order."""
    query, values = _question(store, compared, thresholds, queries)
    with kept_rows(store, "hard cases", query, values, always=True) as held:
        yield held


def _question(
    store: Store,
    compared: tuple[str | None, Run, Run | None],
    thresholds: Thresholds | None,
    queries: int | None,
) -> tuple[str, dict[str, object]]:
    """Return the query for all hard cases, numbered in their order by `place`, and the values that it uses."""
    teacher, after, before = compared
    rules = {name: rule for name, rule in RULES.items() if teacher or not rule.needs_utilities}
    tables = [_SEARCHED, _PAIR, SCALES, *dict.fromkeys(rule.tables for rule in rules.values() if rule.tables)]
    reasons = " union all ".join(
        f"select {_literal(name)} as rule, * from ({rule.query}) reason (query_id, passage_id, why, strength)"
        for name, rule in rules.items()
    )
    query = f"""
        with {", ".join(tables)}, reasons as ({reasons}), cases as (
            select query_id, passage_id,
                   list(struct_pack(rule, why, strength) order by reasons.strength desc, rule) as all_reasons,
                   sum(reasons.strength) as total, any_value(utility) as utility, any_value(before) as before,
                   any_value(after) as after, any_value(relevance) as relevance,
                   coalesce(any_value(relevance) >= $relevant_from, false) as relevant
            from reasons join pair using (query_id, passage_id)
            semi join (select query_id from queries where {HAS_TEXT["queries"]}) using (query_id)
            semi join (select passage_id from passages where {HAS_TEXT["passages"]}) using (passage_id)
            group by query_id, passage_id
        ), {_TURNS}
        select cases.*, row_number() over (order by turn, weight desc, query_id, total desc, passage_id) as place
        from cases join turns using (query_id) order by place
    """
    scale = utility_scale(store, teacher)
    values: dict[str, object] = {
        **(thresholds or Thresholds()).values(scale),
        **scale._asdict(),
        "relevant_from": settings_of(store).relevance,
        "queries": queries,
        "teacher": teacher or "",
        "after": after.run,
        "before": before.run if before else "",
    }
    # DuckDB refuses values that a query does not use.
    return query, {name: values[name] for name in set(re.findall(r"\$(\w+)", query))}


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def teacher_of_cases(store: Store, name: str | None = None, rule: str | None = None) -> str | None:
    """Return the teacher to find hard cases with: the one that `name` begins, or the only one.

    None where no teacher has scored anything and none is asked for; raises NothingToDo if `rule` needs one.
    """
    if name or any(counted.pairs for counted in teachers(store)):
        return find_teacher(store, name)
    if rule and RULES[rule].needs_utilities:
        others = ", ".join(other for other, entry in RULES.items() if not entry.needs_utilities)
        raise NothingToDo(
            f"The rule {rule!r} needs utilities, and no teacher has scored anything yet.",
            f"Run `workbench score` first, or use a rule that needs none: {others}.",
        )
    return None


def utility_scale(store: Store, teacher: str | None) -> UtilityScale:
    """Return what counts as nothing and as much in a teacher's unit."""
    query = f"with {SCALES} select teacher, unit, zero, scale from scales"
    with kept_rows(store, "scales", query, {}) as (connection, scales):
        row = connection.execute(f"select unit, zero, scale from {scales} where teacher = ?", [teacher]).fetchone()
    return UtilityScale(*row) if row else UtilityScale("unknown")


def usual_thresholds(store: Store, teacher: str | None) -> dict[str, float]:
    """Return the usual value of every threshold by its name, in the teacher's unit."""
    return Thresholds().values(utility_scale(store, teacher))


def rule_counts(cases: Iterable[HardCase]) -> dict[str, int]:
    """Return how many cases each rule has chosen; a case of two rules counts under both."""
    counted = Counter(rule for case in cases for rule in case.rules)
    return {rule: counted[rule] for rule in RULES}
