"""What one call to `score` added, in words: how many pairs, and why others have no utility."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import ClassVar

from workbench.results import Result
from workbench.store.views import FailureReason

SHOWN_REASONS = 3  # of failures, in words; `ScoreResult.reasons` has all
SHOWN_ANSWER = 120  # characters of an answer that gave no utility, in words


@dataclass(frozen=True)
class ScoreResult(Result):
    """What one call to `score` added; `remaining` pairs are still unscored if it was interrupted.

    `without_answers` queries were left out, as this kind of teacher needs a reference answer, `without_text` ones, as
    only their ids are known. `scored_before` and `failed_before` count the pairs of the split that an earlier call
    asked about; `reasons` are those of all failures, of this call and earlier ones. `failures` are all that gave no
    utility: those that could not be asked, and with them the `refused` ones, which the teacher declined, and the
    `unreadable` ones, whose answer does not parse. `remark` is what the teacher has to say of how it was run.
    """

    columns: ClassVar = {
        "teacher": "full name of the teacher",
        "queries": "queries with a pair that was scored",
        "pairs": "pairs that the teacher was asked about",
        "failures": "pairs among them that it could not score",
        "remaining": "pairs that are still unscored",
        "seconds": "seconds that it took",
        "without_answers": "queries left out for want of a reference answer",
        "scored_before": "pairs that earlier calls had scored",
        "failed_before": "pairs that failed in earlier calls",
        "without_text": "queries left out because only their ids are known",
        "refused": "failures that the teacher declined to score",
        "unreadable": "failures with an answer that could not be read",
    }
    teacher: str
    queries: int
    pairs: int
    failures: int
    remaining: int
    seconds: float
    interrupted: bool
    without_answers: int = 0
    scored_before: int = 0
    failed_before: int = 0
    reasons: tuple[FailureReason, ...] = ()
    without_text: int = 0
    refused: int = 0
    unreadable: int = 0
    remark: str = ""

    @property
    def failed(self) -> bool:
        """Return whether there was something to score, and all of it failed, now or in earlier calls."""
        if self.pairs:
            return self.failures == self.pairs
        return self.failed_before > 0 and not self.scored_before

    @property
    def rate(self) -> float:
        """Return pairs per second."""
        return self.pairs / self.seconds if self.seconds else 0.0

    @property
    def in_words(self) -> str:
        """Return the outcome in a sentence, and why pairs failed in another."""
        before = f"{self.scored_before:,} were scored and {self.failed_before:,} failed before"
        if self.pairs:
            words = (
                f"{self.pairs - self.failures:,} of {self.pairs:,} pairs of {self.queries:,} queries scored in "
                f"{self.seconds:.1f} s ({self.rate:,.0f} a second), {self._failures_in_words}"
            )
            words += f"; {before}" if self.scored_before or self.failed_before else ""
        else:
            words = f"no pair is left to score; {before}"
        if self.interrupted:
            words += f"; stopped with {self.remaining:,} to go, which the same command takes up"
        if self.without_answers:
            words += f"; {left_out_in_words(self.without_answers)}"
        if self.without_text:
            words += f"; queries known by id only left out: {self.without_text:,}"
        words += f"; {self.remark}" if self.remark else ""
        return f"{self.teacher}: {words}.{self._reasons_in_words}"

    @property
    def _failures_in_words(self) -> str:
        words = [f"{self.failures - self.refused - self.unreadable:,} failed"]
        words += [f"{self.refused:,} refused"] if self.refused else []
        words += [f"{self.unreadable:,} unreadable"] if self.unreadable else []
        return ", ".join(words)

    @property
    def _reasons_in_words(self) -> str:
        reasons = "; ".join(_reason_in_words(row) for row in self.reasons[:SHOWN_REASONS])
        more = f"; and {len(self.reasons) - SHOWN_REASONS:,} more reasons" if len(self.reasons) > SHOWN_REASONS else ""
        return f" Failed: {reasons}{more}." if reasons else ""

    def table_rows(self) -> Iterable[Sequence[object]]:
        """Return one row: the numbers of this call."""
        return [[getattr(self, column) for column in self.columns]]


def _reason_in_words(row: FailureReason) -> str:
    answer = f": {shorten(row.answer, SHOWN_ANSWER)!r}" if row.answer else ""
    status = "" if row.status == "failed" else f"{row.status}: "
    return f"{status}{row.reason} ({row.pairs:,}, such as query {row.query_id}, passage {row.passage_id}{answer})"


def left_out_in_words(queries: int) -> str:
    """Return how many queries were left out for want of a reference answer."""
    return f"queries without a reference answer left out: {queries:,}"
