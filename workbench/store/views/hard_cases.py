"""Hard cases: pairs that a named rule says are worth a person's minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NamedTuple

from workbench.errors import BadSetting
from workbench.records import Run

if TYPE_CHECKING:
    from workbench.store.store import Store


@dataclass(frozen=True)
class Thresholds:
    """Where the rules draw their lines: utilities in the teacher's unit, ranks counted from 1.

    `margin` is the share of its own similarity by which a first hit is ahead of the second; `alike` the share of
    words that two passages have in common (Jaccard), `apart` the least distance of their utilities.
    """

    useful: float = 0.5
    useless: float = 0.0
    far: int = 10
    near: int = 3
    margin: float = 0.1
    unjudged: int = 1
    alike: float = 0.8
    apart: float = 0.5

    def __post_init__(self) -> None:
        if not 0.5 <= self.alike <= 1:
            raise BadSetting(f"alike is {self.alike}.", "It is a share of words, from 0.5 to 1.")
        if self.margin < 0 or self.apart < 0 or min(self.far, self.near, self.unjudged) < 1:
            raise BadSetting("A threshold is out of bounds.", "Ranks count from 1; margin and apart are not below 0.")


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

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the names of the rules that chose it, the strongest first."""
        return tuple(dict.fromkeys(reason.rule for reason in self.reasons))

    @property
    def why(self) -> str:
        """Return all its reasons in words."""
        return "; ".join(reason.why for reason in self.reasons)


RULES = {
    "useful but far": "The teacher finds the passage useful; the student ranks it low.",
    "useless but near": "The teacher finds that the passage does not help; the student ranks it on top.",
    "got worse": "A relevant passage ranks lower after training than before.",
    "teacher against qrels": "Judged relevant, yet the teacher finds no use in it; or useful, yet judged not relevant.",
    "teachers disagree": "Another teacher says the opposite, or ranks the passage far from where this one does.",
    "confident and wrong": "The student's first hit is well ahead of its second, yet not relevant or of no help.",
    "unjudged but high": "The student ranks the passage on top, and nobody has judged it.",
    "near duplicates": "Nearly the same words as another passage of this query, yet much less useful to the teacher.",
}

_PAIR = """
    pair as materialized (
        select after.query_id, after.passage_id, u.value as utility, before.rank as before, after.rank as after,
               after.similarity, q.relevance
        from (select * from hits where run = $after) after
        left join (select * from hits where run = $before) before using (query_id, passage_id)
        left join (select * from utilities where teacher = $teacher) u using (query_id, passage_id)
        left join qrels q using (query_id, passage_id)
    ), best as (
        select query_id, arg_max(passage_id, (utility, passage_id)) as passage_id from pair
        where utility is not null group by query_id
    ), second as (select query_id, similarity as runner_up from pair where after = 2)
"""

# 1 - exp(-u) of a utility in nats per token is the share of the perplexity that a passage takes away; halved below
# the line of uselessness, where any passage at all disagrees with being wanted.
_GAIN = "(1 - exp(-greatest(utility, 0)))"
_LOSS = "(1 - 0.5 * exp(least(utility - $useless, 0)))"

_TEACHERS = """
    both_said as (
        select query_id, passage_id, pair.utility, o.teacher as other, o.value as theirs,
               rank() over (partition by o.teacher, query_id order by utility desc) as place,
               rank() over (partition by o.teacher, query_id order by o.value desc) as their_place
        from pair join utilities o using (query_id, passage_id)
        where o.teacher <> $teacher and pair.utility is not null
    ), opposed as (
        select *, abs(1.0 / place - 1.0 / their_place) as distance,
               row_number() over (partition by query_id, passage_id order by distance desc, other) as turn
        from both_said
        where (utility >= $useful and theirs <= $useless) or (utility <= $useless and theirs >= $useful)
              or (least(place, their_place) <= $near and greatest(place, their_place) > $far)
    )
"""

# Passages with nearly the same words, found without comparing all with all: two sets that share `alike` of their words
# share one among the first few of either, when both are sorted alike, rarest first (prefix filtering, Bayardo 2007).
_TWINS = r"""
    word as (
        select passage_id, unnest(list_distinct(
            regexp_split_to_array(lower(concat_ws(' ', title, text)), '[^\pL\pN]+'))) as word
        from passages semi join (select passage_id from pair where utility is not null) using (passage_id)
    ), sorted as materialized (
        select passage_id, word, row_number() over (partition by passage_id order by n, word) as place,
               count(*) over (partition by passage_id) as size
        from word join (select word, count(*) as n from word group by word) using (word) where word <> ''
    ), near_by as (
        select distinct a.passage_id, b.passage_id as twin, a.size, b.size as its_size
        from sorted a join sorted b using (word)
        where a.passage_id <> b.passage_id and b.size >= $alike * a.size and a.size >= $alike * b.size
              and a.place <= a.size - ceil($alike * a.size) + 1 and b.place <= b.size - ceil($alike * b.size) + 1
    ), twins as (
        select passage_id, twin, count(*) / (any_value(near_by.size) + any_value(its_size) - count(*)) as shared
        from near_by join sorted a using (passage_id) join sorted b on b.passage_id = twin and b.word = a.word
        group by passage_id, twin having shared >= $alike
    )
"""

_FOUND = {
    "useful but far": f"""
        select query_id, passage_id, format('utility {{:+.2f}}, yet rank {{}}', utility, after) as why,
               {_GAIN} * (1 - 1.0 / after) as strength
        from pair semi join best using (query_id, passage_id) where utility >= $useful and after > $far
    """,
    "useless but near": f"""
        select query_id, passage_id, format('rank {{}}, yet utility {{:+.2f}}', after, utility), {_LOSS} / after
        from pair where utility <= $useless and after <= $near and coalesce(relevance, 0) <= 0
    """,
    "got worse": """
        select query_id, passage_id, format('a relevant passage fell from rank {} to {}', before, after),
               1.0 / before - 1.0 / after
        from pair where relevance > 0 and after > before
    """,
    "teacher against qrels": f"""
        select query_id, passage_id, format(
                   'judged {{}}, yet utility {{:+.2f}}', if(relevance > 0, 'relevant', 'not relevant'), utility),
               if(relevance > 0, {_LOSS}, {_GAIN})
        from pair where if(relevance > 0, utility <= $useless, relevance = 0 and utility >= $useful)
    """,
    "teachers disagree": """
        select query_id, passage_id, format(
                   'utility {:+.2f} (place {} of the candidates), yet {} says {:+.2f} (place {})',
                   utility, place, other, theirs, their_place), distance
        from opposed where turn = 1
    """,
    "confident and wrong": """
        select query_id, passage_id, format('ranked first, {:.0f} % ahead of the second, yet {}', 100 * ahead,
                   if(relevance = 0, 'judged not relevant', format('utility {:+.2f}', utility))), least(ahead, 1)
        from (select *, (similarity - runner_up) / nullif(abs(similarity), 0) as ahead from pair join second
              using (query_id) where after = 1)
        where ahead >= $margin and (relevance = 0 or (relevance is null and utility <= $useless))
    """,
    "unjudged but high": """
        select query_id, passage_id, format('rank {}, and nobody has judged it', after), 0.5 / after
        from pair where relevance is null and after <= $unjudged
    """,
    "near duplicates": """
        select pair.query_id, pair.passage_id, format(
                   '{:.0f} % of its words are those of {}, yet utility {:+.2f} against {:+.2f}', 100 * max(shared),
                   arg_max(twin, other.utility), any_value(pair.utility), max(other.utility)),
               1 - exp(any_value(pair.utility) - max(other.utility))
        from pair join twins using (passage_id) join pair other
             on other.query_id = pair.query_id and other.passage_id = twin
        where other.utility - pair.utility >= $apart group by all
    """,
}


def hard_cases(
    store: Store, teacher: str, after: Run, before: Run | None = None, thresholds: Thresholds | None = None
) -> list[HardCase]:
    """Return the hard cases of a run, a pair once with all its reasons, the greatest disagreement first.

    "got worse" needs `before`, "teachers disagree" a second teacher; ranks below a run's depth are known for its
    candidates alone.
    """
    chosen = " union all ".join(f"select '{rule}' as rule, * from ({asked})" for rule, asked in _FOUND.items())
    with store.read() as connection:
        rows = connection.execute(
            f"""
            with {_PAIR}, {_TEACHERS}, {_TWINS}, found as ({chosen})
            select query_id, passage_id,
                   list(struct_pack(rule, why, strength) order by found.strength desc, rule) as reasons,
                   sum(found.strength) as total, any_value(utility), any_value(before), any_value(after),
                   any_value(relevance)
            from found join pair using (query_id, passage_id)
            group by query_id, passage_id order by total desc, query_id, passage_id
            """,
            {
                **asdict(thresholds or Thresholds()),
                "teacher": teacher,
                "after": after.run,
                "before": before.run if before else "",
            },
        ).fetchall()
    return [
        HardCase(query_id, passage_id, tuple(Reason(**reason) for reason in reasons), *rest)
        for query_id, passage_id, reasons, *rest in rows
    ]


def rule_counts(cases: Iterable[HardCase]) -> dict[str, int]:
    """Return how many cases each rule has chosen; a case of two rules counts under both."""
    counted = Counter(rule for case in cases for rule in case.rules)
    return {rule: counted[rule] for rule in RULES}
