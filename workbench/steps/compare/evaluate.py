"""Evaluate: a student ranks a split's queries; the rankings are kept, the measures are asked of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import ClassVar, Unpack

from workbench.engines import LOCAL, Engine
from workbench.errors import NothingToDo
from workbench.evaluation.measures import MEASURES
from workbench.evaluation.significance import Interval, interval, intervals_of
from workbench.progress import tracked
from workbench.records import Listener, Run, approximation, labelled, silent
from workbench.results import Result, counted
from workbench.steps.compare import run_measures
from workbench.steps.compare.answer_measures import answer_measures
from workbench.steps.compare.model_card import renew
from workbench.steps.compare.ranking.hits import RankedRows, candidates_below, nearest_rows, run_hits
from workbench.steps.compare.ranking.rerank import Reranking, rerank_run
from workbench.steps.compare.ranking.retriever import retriever, stored_collection
from workbench.steps.compare.run_measures import JudgedCounts, Judgements
from workbench.steps.data.next_step import must_have_queries
from workbench.steps.data.splits.near_duplicates import refresh_near_duplicates
from workbench.steps.data.splits.unseen import UnseenPart, unseen_part
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import SearchSettings, Store, views
from workbench.students import BM25


@dataclass(frozen=True)
class Evaluation(Result):
    """A run's measures, each a mean over the judged queries with its 95 % interval; none if nothing is judged.

    `counts` says how many queries are judged, and what becomes of those without a relevant passage. `unanswered`
    judged queries have no ranking and count as 0; `without_text` queries of the split could not be ranked for, as only
    their ids are known. `stale` says that the passages have changed since, `imported` that the rankings came from a
    file. Where train has seen some of the queries, `unseen_measures` are those on the others. `recall` is that of the
    ten nearest, if an approximate index, of `index_kind`, has searched for them; `index_reason` says why, where that
    was not asked for.
    """

    columns: ClassVar = {
        "student": "whose run was measured",
        "split": "the split of its queries",
        "measure": "the measure",
        "mean": "mean over the judged queries",
        "low": "lower end of its 95 % interval",
        "high": "upper end",
        "queries": "number of judged queries that the mean is over",
        "unseen": "mean over the queries that train has not seen, where it has seen some",
        "unseen_low": "lower end of its 95 % interval",
        "unseen_high": "upper end",
        "unseen_queries": "number of these queries",
    }

    student: str
    split: str
    queries: int
    counts: JudgedCounts
    unanswered: int
    stale: bool
    measures: dict[str, Interval]
    seconds: float
    imported: bool = False
    without_text: int = 0
    unseen: UnseenPart | None = None
    unseen_measures: dict[str, Interval] = field(default_factory=dict)
    index_kind: str = "flat"
    recall: float | None = None
    index_reason: str = ""

    @property
    def approximation(self) -> str:
        """Return by which index was searched, how much of the exact result that finds, and why; "" if exactly."""
        return approximation(self.index_kind, self.recall, self.index_reason)

    @property
    def label(self) -> str:
        """Return the student's name, and that its run is imported if it is."""
        return labelled(self.student, self.imported)

    @property
    def judged(self) -> int:
        """Return how many queries of the split are judged."""
        return self.counts.judged

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence."""
        source = ", an imported run measured as it is" if self.imported else ""
        searched = f", {self.approximation}" if self.approximation else ""
        left_out = f"; queries known by id only, not ranked for: {self.without_text:,}" if self.without_text else ""
        if not self.measures:
            lacking = f"has {self.counts.relevant}" if self.judged else "is judged"
            return (
                f"{self.student}{source} ranked {counted(self.queries, 'query')}; none of them {lacking}, "
                "so nothing can be measured"
            )
        measure, mean = next(iter(self.measures.items()))
        words = (
            f"{self.student} on {self.split}: {measure} {mean} over {self.counts.in_words}{source}{searched}{left_out}"
        )
        if not self.unseen:
            return words
        return f"{words}; {self.unseen.followed_by(str(self.unseen_measures.get(measure)))}"

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return a row for each measure."""
        return [
            (
                *(self.student, self.split, measure, *astuple(mean)),
                *(astuple(self.unseen_measures[measure]) if measure in self.unseen_measures else (None,) * 4),
            )
            for measure, mean in self.measures.items()
        ]


def evaluate(
    store: Store,
    student: str,
    split: str = "test",
    depth: int = 100,
    listen: Listener = silent,
    engine: Engine = LOCAL,
    **settings: Unpack[SearchSettings],
) -> Evaluation:
    """Rank the passages for every query of a split, keep the run, and measure it; an imported run is measured as it is.

    The rank of every candidate is kept too, however low: a useful passage that no student retrieves is a hard case.

    Parameters
    ----------
    store : Store
        The workspace.
    student : str
        A trained student's name, a model by hub name or folder, "bm25", the name of an imported run, or a re-ranking by
        a teacher such as "rerank:lexical@20/bm25": the first 20 of a run, from the utilities that are there.
    split : str
        The split whose queries are ranked: "train", "dev" or "test".
    depth : int
        How many passages of each ranking are kept.
    listen : Listener
        Is called with the progress.
    engine : Engine
        Where texts are encoded and passages are searched, as `wb.engine` makes one: in this process unless given.
    **settings : optional
        `relevance`, `without_relevant` and `index` in place of the workspace's, see `WorkspaceSettings`. An
        approximate index's recall@10, measured on some of the queries, is kept with the run.

    Returns
    -------
    Evaluation
        The usual measures as means over the judged queries, with 95 % bootstrap intervals: those of ir_measures. Where
        a reader has answered from this ranking, F1 and EM too, over the queries that it has answered.

    Raises
    ------
    NothingToDo
        The split has no queries, or the workspace no passages; an imported run is of other splits; or a re-ranking
        lacks its first stage's run, or utilities.
    UnknownName
        There is no student of that name.
    ModelUnavailable
        The model cannot be loaded.
    BadSetting
        The value of a setting cannot be.

    Examples
    --------
    >>> evaluation = wb.evaluate(store, "bm25", split="test")
    >>> evaluation.judged
    8
    >>> evaluation.measures["R@1"].n
    8
    >>> evaluation.to_frame()["measure"].tolist()[:2]
    ['R@1', 'R@5']
    """
    started, measured_as = time.monotonic(), with_settings(store, **settings)
    if run := _imported(store, student, split):
        return measured(measured_as, run, seconds=time.monotonic() - started)
    if reranking := Reranking.parse(student):
        run = rerank_run(store, reranking, split)
        return measured(measured_as, run, seconds=time.monotonic() - started)
    must_have_queries(store, split)
    refresh_near_duplicates(store)
    queries, searched = views.queries(store, split), views.collection_fingerprint(store)
    collection = stored_collection(store)
    ranker = retriever(measured_as, student, collection, engine)
    nearest = ranker.search([query.text for query in queries], depth, listen)
    below: Iterable[RankedRows] = ()
    if nearest.recall is None:  # else true ranks take the comparisons that the index is there to spare
        below = [*candidates_below(store, ranker, collection.ids, queries, nearest, listen)]
    name = f"{ranker.name}@{split}"
    run = Run(name, ranker.name, split, depth, searched, datetime.now(UTC), False, nearest.index_kind, nearest.recall)
    store.add_run(run, run_hits(name, chain(nearest_rows(queries, nearest), below), collection.ids))
    renew(store, ranker.name)
    return replace(measured(measured_as, run, seconds=time.monotonic() - started), index_reason=nearest.reason)


def measured(store: Store, run: Run, names: Sequence[str] = MEASURES, seconds: float = 0.0) -> Evaluation:
    """Measure a run that the workspace holds, and the answers of its readers."""
    (evaluation,) = measured_runs(store, [run], names)
    return replace(evaluation, seconds=seconds)


def measured_runs(store: Store, runs: Sequence[Run], names: Sequence[str] = MEASURES) -> list[Evaluation]:
    """Measure runs of one split, each by itself: readers' answers over the queries that were answered from it."""
    if not runs:
        return []
    split = runs[0].split
    judgements, searched = Judgements.of(store, split), views.collection_fingerprint(store)
    unseen, without_text = unseen_part(store, split, judgements.judged), views.without_text(store, split)

    def evaluation(run: Run) -> Evaluation:
        of_run = [read for read in judgements.read_runs if read.run == run.run]
        of_names = judgements.names((*names, *answer_measures(of_run)))
        measurement = run_measures.measure(store, run, of_names, judgements)
        means = intervals_of({name: list(of_query.values()) for name, of_query in measurement.values.items()})
        first = next((name for name in of_names if measurement.values[name]), of_names[0])
        others = unseen.only(measurement.values) if unseen and unseen.unseen else {}
        return Evaluation(
            student=run.student,
            split=run.split,
            queries=len(measurement.ranked),
            counts=judgements.counts_for(first, measurement.values[first]),
            unanswered=len(measurement.unanswered),
            stale=run.is_stale(searched),
            measures={name: mean for name, mean in means.items() if mean.n},
            seconds=0.0,
            imported=run.imported,
            without_text=0 if run.imported else without_text,
            unseen=unseen,
            index_kind=run.index_kind,
            recall=run.recall,
            unseen_measures={name: interval(list(values.values())) for name, values in others.items() if values},
        )

    return [evaluation(run) for run in tracked(runs, "measure", "runs")]


def _imported(store: Store, name: str, split: str) -> Run | None:
    """Return the imported run of a name on a split, in whose place nothing is ranked anew; None if there is none."""
    runs = [run for run in views.runs(store) if run.imported and run.student == name]
    if not runs or name == BM25 or split in (run.split for run in runs):
        return next((run for run in runs if run.split == split), None)
    raise NothingToDo(
        f"{name!r} is an imported run of {', '.join(run.split for run in runs)}, and has no ranking of {split}.",
        f"Ingest its run of the {split} split, or name another --split.",
    )
