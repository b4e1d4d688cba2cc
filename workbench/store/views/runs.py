"""Rankings: which runs there are, and what each put where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.commands import command, line
from workbench.errors import NothingToDo
from workbench.records import Hit, Run
from workbench.store.collection import HAS_TEXT
from workbench.store.views.collection import among, texts_of_passages
from workbench.store.views.judged import relevance_level
from workbench.store.views.scored.drawn import MEASURED

if TYPE_CHECKING:
    from workbench.store.store import Store


class Placed(NamedTuple):
    """One passage of one query in every respect: where it stands, how relevant, how useful.

    It is `relevant` from the relevance on that the workspace says, and not where nobody has judged it.
    """

    passage_id: str
    title: str
    text: str
    rank: int | None
    similarity: float | None
    relevance: int | None
    utility: float | None
    relevant: bool = False


def runs(store: Store, split: str | None = None) -> list[Run]:
    """Return the runs, oldest first, of one split or all."""
    with store.read() as connection:
        rows = connection.execute(
            """
            select run, student, split, depth, collection, created, imported, index_kind, recall from runs
            where $split is null or split = $split order by created, run
            """,
            {"split": split},
        ).fetchall()
    return [run._replace(created=run.created.replace(tzinfo=UTC)) for run in (Run(*row) for row in rows)]


def find_run(store: Store, student: str, split: str) -> Run:
    """Return the run of `student` on `split`; raises NothingToDo naming those that exist."""
    of_split = runs(store, split)
    for run in of_split:
        if student in (run.student, run.run):
            return run
    known = ", ".join(run.student for run in of_split) or "none"
    raise NothingToDo(
        f"There is no run of {student!r} on the {split} split; there are: {known}.",
        f"Make it with `{line(command('evaluate', student, split=split))}`.",
    )


def rankings(store: Store, run: Run, between: tuple[str, str] | None = None) -> dict[str, list[tuple[str, float]]]:
    """Return query_id -> [(passage_id, similarity)] by rank, down to the run's depth; of the queries `between` two."""
    first, last = between or (None, None)
    with store.read() as connection:
        rows = connection.execute(
            """
            select query_id, passage_id, similarity from hits
            where run = $run and rank <= $depth and ($first is null or query_id between $first and $last)
            order by query_id, rank
            """,
            {"run": run.run, "depth": run.depth, "first": first, "last": last},
        ).fetchall()
    ranked: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for query_id, passage_id, similarity in rows:
        ranked[query_id].append((passage_id, similarity))
    return dict(ranked)


def rankings_of_two(
    store: Store, before: Run, after: Run, at_once: int = 2_000
) -> Iterator[tuple[dict[str, list[tuple[str, float]]], dict[str, list[tuple[str, float]]]]]:
    """Yield the `rankings` of two runs, those of the same queries together, so many queries at a time."""
    with store.read() as connection:
        rows = connection.execute(
            "select distinct query_id from hits where run in ($before, $after) order by query_id",
            {"before": before.run, "after": after.run},
        ).fetchall()
    ids = [query_id for (query_id,) in rows]
    for start in range(0, len(ids), at_once):
        between = ids[start], ids[min(start + at_once, len(ids)) - 1]
        yield rankings(store, before, between), rankings(store, after, between)


def hits(store: Store, run: Run, query_ids: Collection[str] | None = None) -> list[Hit]:
    """Return every hit of a run, its candidates below the depth included."""
    wanted = "true" if query_ids is None else among("query_id", len(query_ids))
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select run, query_id, passage_id, rank, similarity from hits
            where run = $run and {wanted} order by query_id, rank
            """,
            {"run": run.run} | ({} if query_ids is None else {"ids": list(query_ids)}),
        ).fetchall()
    return [Hit(*row) for row in rows]


def scored_orders(
    store: Store, teacher: str, query_ids: Sequence[str], run: Run | None = None
) -> dict[str, list[tuple[str, float]]]:
    """Return query_id -> [(passage_id, utility)] of the passages a teacher scored, in the run's order or its own.

    Of these queries alone. With a run, only the passages that it ranks, its candidates below the depth included.
    """
    # Of the hits only the queries that are asked for, else the whole run is read for one.
    ranked = "join (from hits semi join measured using (query_id) where run = $run) using (query_id, passage_id)"
    with store.read() as connection:
        rows = connection.execute(
            f"""
            with {MEASURED}
            select query_id, passage_id, value from (
                from utilities semi join measured using (query_id) where teacher = $teacher
            ) {ranked if run else ""}
            order by query_id, {"rank" if run else "value desc"}, passage_id
            """,
            {"teacher": teacher, "query_ids": query_ids} | ({"run": run.run} if run else {}),
        ).fetchall()
    orders: defaultdict[str, list[tuple[str, float]]] = defaultdict(list)
    for of_query, passage_id, value in rows:
        orders[of_query].append((passage_id, value))
    return dict(orders)


def ranking(
    store: Store, query_id: str, *, run: Run | None = None, teacher: str | None = None, depth: int = 10
) -> list[Placed]:
    """Return one query's passages as a run ranks them, or, without a run, as the teacher does."""
    hits_of_run = "(select * from hits where run = $run and query_id = $query)"
    scored = "(select passage_id, value as utility from utilities where teacher = $teacher and query_id = $query)"
    source, order = (hits_of_run, "rank") if run else (scored, "utility desc")
    values: dict[str, Any] = {
        "query": query_id,
        "run": run.run if run else "",
        "teacher": teacher or "",
        "depth": depth,
    }
    with store.read() as connection:
        rows = connection.execute(
            f"""
            select passage_id, rank, similarity, relevance, utility, coalesce(relevance >= $relevance, false)
            from (select passage_id from {source}) left join {hits_of_run} using (passage_id)
            left join (select * from qrels where query_id = $query) using (passage_id)
            left join {scored} using (passage_id) order by {order}, passage_id limit $depth
            """,
            values | {"depth": depth} | relevance_level(store),
        ).fetchall()
        texts = texts_of_passages(connection, [passage_id for passage_id, *_ in rows])
    return [Placed(passage_id, *texts[passage_id], *cells) for passage_id, *cells in rows if passage_id in texts]


def unscored_first(
    store: Store, run: Run, teacher: str, depth: int, *, with_answers: bool = False
) -> dict[str, dict[str, int]]:
    """Return query_id -> the ranks of those of its first `depth` passages that a teacher could score and was not asked.

    They are in the order of their ranks. It could not where a text is lacking, and a teacher that reads references
    only of queries `with_answers`.
    """
    with store.read() as connection:
        rows: list[tuple[str, list[str], list[int]]] = connection.execute(
            f"""
            select query_id, list(passage_id order by rank), list(rank order by rank) from hits
            semi join (
                select query_id from queries
                where {HAS_TEXT["queries"]} and (len(answers) > 0 or not $with_answers)
            ) using (query_id)
            semi join (select passage_id from passages where {HAS_TEXT["passages"]}) using (passage_id)
            anti join (
                select query_id, passage_id from utilities where teacher = $teacher
                union all select query_id, passage_id from failures where teacher = $teacher
            ) using (query_id, passage_id)
            where run = $run and rank <= $depth group by query_id order by query_id
            """,
            {"run": run.run, "teacher": teacher, "depth": depth, "with_answers": with_answers},
        ).fetchall()
    return {query_id: dict(zip(ids, ranks, strict=True)) for query_id, ids, ranks in rows}


class Moved(NamedTuple):
    """One passage in two rankings of one query; a rank is None where the run does not know it."""

    passage_id: str
    title: str
    text: str
    before: int | None
    after: int | None
    relevance: int | None
    utility: float | None
    relevant: bool = False

    @property
    def movement(self) -> str:
        """Return what happened to it, in words."""
        if self.before is None or self.after is None:
            return "new" if self.before is None else "gone"
        if self.before == self.after:
            return "stays"
        return f"{'up' if self.after < self.before else 'down'} {abs(self.before - self.after)}"


def movements(
    store: Store, before: Run, after: Run, query_id: str, teacher: str | None = None, depth: int = 10
) -> list[Moved]:
    """Return the passages in the top `depth` of either run for one query, by their rank after, then before."""
    return movements_of(store, before, after, [query_id], teacher, depth).get(query_id, [])


def movements_of(
    store: Store, before: Run, after: Run, query_ids: Collection[str], teacher: str | None = None, depth: int = 10
) -> dict[str, list[Moved]]:
    """Return query_id -> its `movements`, read in one go; none for a query that neither run answers."""
    wanted = among("query_id", len(query_ids))
    with store.read() as connection:
        rows = connection.execute(
            f"""
            with b as (select query_id, passage_id, rank from hits where run = $before and {wanted}),
            a as (select query_id, passage_id, rank from hits where run = $after and {wanted})
            select query_id, passage_id, b.rank, a.rank, relevance, utility, coalesce(relevance >= $relevance, false)
            from b full join a using (query_id, passage_id)
            left join (select query_id, passage_id, relevance from qrels) using (query_id, passage_id)
            left join (
                select query_id, passage_id, value as utility from utilities where teacher = $teacher and {wanted}
            ) using (query_id, passage_id)
            where b.rank <= $depth or a.rank <= $depth
            order by query_id, a.rank nulls last, b.rank
            """,
            {
                "before": before.run, "after": after.run, "ids": list(query_ids), "teacher": teacher or "",
                "depth": depth,
            } | relevance_level(store),
        ).fetchall()  # fmt: skip
        texts = texts_of_passages(connection, {passage_id for _, passage_id, *_ in rows})
    by_query: defaultdict[str, list[Moved]] = defaultdict(list)
    for query_id, passage_id, *cells in rows:
        if passage_id in texts:
            by_query[query_id].append(Moved(passage_id, *texts[passage_id], *cells))
    return dict(by_query)
