"""A workspace of any size, made of a small collection's texts by the database itself; the same for the same sizes.

    python -m tests.benchmarks.large FOLDER [--passages N] [--queries N] [--pool N] [--texts BEIR_FOLDER]

Passages are windows cut from the collection's passages, so that each has many near-duplicates. Queries are those of the
collection again and again, numbered. Of the `pool` candidates of a query, which are also its utilities, the first half
are cut from its relevant passage's text; two runs, "before" and "after", rank 100 of them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

import workbench as wb
from workbench.formats import read_beir
from workbench.records import Run
from workbench.store import Store, arrow, views

TEACHER = "likelihood:large:mean:00000000"
STUDENTS = ("before", "after")
DEPTH = 100
CREATED = datetime(2026, 1, 1)
MEMORY = "3GB"  # beyond it DuckDB writes to a folder of its own

# A number from 0 to 1 that depends on nothing but the values, in every version of DuckDB.
_CHANCE = """
    create temp macro chance(what, a, b) as
        (md5_number_lower(concat_ws(' ', what, a, b)) % 1000003)::double / 1000003;
"""
_PASSAGES = """
    insert into passages
    select printf('p%08d', i), title, array_to_string(words[1 + (len(words) * from_share)::int :
               (len(words) * (1 - until_share))::int], ' ')
    from (select i, 0.2 * chance('from', i, 0) as from_share, 0.2 * chance('until', i, 0) as until_share,
                 i % $texts as source from range($passages) numbers(i))
    join sources using (source) order by i
"""
_QUERIES = """
    create temp table numbered as
    select j::integer as query, printf('q%08d', j) as query_id, gold, text || if(j < $questions, '', format(' ({})', j))
           as text, answers
    from range($queries) numbers(j) join questions on question = j % $questions
"""
_NUMBERED = """
    insert into queries select query_id, text, answers, 'test', [] from numbered order by query;
    insert into qrels select query_id, printf('p%08d', gold), 1 from numbered order by query;
"""
# The step from one candidate to the next has no factor in common with the number of passages; a candidate that falls
# on the relevant passage's text is among the first half, if anywhere.
_POOL = """
    create temp table pool as
    select query, query_id, printf('p%08d', passage) as passage_id, passage, place, near from (
        select query, query_id, place, gold + $texts * ((query + place) % $copies) as passage, true as near
        from numbered, range(least($pool // 2, $copies)) places(place)
        union all
        select query, query_id, place, (query * 7919 + place * 15485863) % $passages as passage, false as near
        from numbered, range(least($pool // 2, $copies), $pool) places(place) where passage % $texts <> gold
    ) order by query, place
"""
_CANDIDATES = "insert into candidates by name select query_id, passage_id, 'large' as source from pool"
_UTILITIES = """
    insert into utilities by name
    select query_id, passage_id, $teacher as teacher, round(gain, 6) as value, [{
               'answer': 'as it is', 'tokens': 3, 'with_passage': round(3 * (gain - 2), 6), 'without_passage': -6.0
           }] as answers, 0 as truncated
    from (select *, if(near, 0.8, -0.1) + 1.4 * (chance('utility', query, passage) - 0.5) as gain from pool)
    order by query, place
"""
_HITS = """
    insert into hits
    select $run, query_id, passage_id, rank, similarity from (
        select query, query_id, passage_id, round(if(near, 0.6, 0.45) + 0.3 * chance($run, query, passage), 6)
               as similarity, row_number() over (partition by query order by similarity desc, passage)::integer as rank
        from pool
    ) where rank <= $depth order by query, rank
"""


@dataclass(frozen=True)
class Sizes:
    """How much a workspace is to hold; `pool` is the number of a query's candidates and utilities."""

    passages: int = 200_000
    queries: int = 2_000
    pool: int = 1_000


def build(folder: Path, sizes: Sizes, texts: Path) -> Store:
    """Fill a new workspace from the texts of a small collection in BEIR's format."""
    store = Store(folder, create=True)
    sample = read_beir(texts)
    numbers = {passage.passage_id: number for number, passage in enumerate(sample.passages)}
    gold = {qrel.query_id: numbers[qrel.passage_id] for qrel in sample.qrels if qrel.relevance > 0}
    queries = [query for query in sample.queries if query.query_id in gold]
    sources = pa.table(
        {
            "source": list(numbers.values()),
            "title": [passage.title for passage in sample.passages],
            "words": [passage.text.split() for passage in sample.passages],
        }
    )
    questions = pa.table(
        {
            "question": range(len(queries)),
            "gold": [gold[query.query_id] for query in queries],
            "text": [query.text for query in queries],
            "answers": [list(query.answers) for query in queries],
        }
    )
    with store.write() as connection, arrow.registered(connection, sources, "sources"):
        connection.execute(f"set memory_limit = '{MEMORY}'")
        connection.execute(_CHANCE)
        connection.execute(_PASSAGES, {"passages": sizes.passages, "texts": len(numbers)})
        with arrow.registered(connection, questions, "questions"):
            connection.execute(_QUERIES, {"queries": sizes.queries, "questions": len(queries)})
        connection.execute(_NUMBERED)
        copies = sizes.passages // len(numbers)
        _fill(connection, {"texts": len(numbers), "copies": copies, "passages": sizes.passages, "pool": sizes.pool})
    fingerprint = views.collection_fingerprint(store)
    with store.write() as connection:
        for student in STUDENTS:
            run = Run(f"{student}@test", student, "test", DEPTH, fingerprint, CREATED)
            connection.execute("insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?)", run)
    return store


def _fill(connection: duckdb.DuckDBPyConnection, values: dict[str, int]) -> None:
    """Fill the tables of pairs: candidates, utilities and both runs' hits."""
    connection.execute(_POOL, values)
    connection.execute(_CANDIDATES)
    connection.execute("insert into teachers values (?, 'nats per token')", [TEACHER])
    connection.execute(_UTILITIES, {"teacher": TEACHER})
    for student in STUDENTS:
        connection.execute(_HITS, {"run": f"{student}@test", "depth": DEPTH})
    connection.execute("drop table pool")


def main(folder: Path, sizes: Sizes, texts: Path) -> None:
    """Build a workspace, and print what it holds and what that took."""
    started, busy = time.perf_counter(), time.process_time()
    counts = views.counts(build(folder, sizes, texts))
    held = f"{counts.passages:,} passages, {counts.queries:,} queries, {counts.utilities:,} utilities"
    taken = f"{time.perf_counter() - started:.0f} s, {time.process_time() - busy:.0f} s of the processor"
    size = (folder / "workbench.duckdb").stat().st_size / 1e9
    print(f"{folder}: {held}, two runs of {counts.queries:,} x {DEPTH}; {size:.1f} GB, {taken}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    for name, usual in Sizes().__dict__.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--texts", type=Path, default=wb.SAMPLE, help="a collection in BEIR's format")
    chosen = parser.parse_args()
    main(chosen.folder, Sizes(chosen.passages, chosen.queries, chosen.pool), chosen.texts)
