"""The rules of hard cases: what each one finds, in words and in SQL, and at which thresholds.

A rule is added here alone: an entry of `RULES`. The shell's options and help, and the inputs of the page Annotate, are
made from that table and from `known_thresholds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workbench.errors import BadSetting, UnknownName
from workbench.store.views.thresholds import NATS, Threshold, UtilityScale, useful_above_sql

USEFUL = Threshold("useful", 0.5, "utility", "Useful from utility", "a passage is useful from this utility on.")
USELESS = Threshold("useless", 0.0, "utility", "Useless up to utility", "a passage is useless up to this utility.")
FAR = Threshold("far", 10, "rank", "Far: below rank", "a passage below this rank is far from the top.", low=1)
NEAR = Threshold("near", 3, "rank", "Near: rank up to", "a passage down to this rank is near the top.", low=1)
MARGIN = Threshold(
    "margin", 0.1, "share", "Confident: ahead by",
    "how far a first hit is ahead of the second, as a share of its own similarity.", low=0,
)  # fmt: skip
UNJUDGED = Threshold(
    "unjudged", 1, "rank", "Unjudged: rank up to", "an unjudged passage down to this rank is a hard case.", low=1
)
ALIKE = Threshold(
    "alike", 0.8, "share", "Alike: words shared from",
    "the share of words that two near duplicates have in common (Jaccard).", low=0.5, high=1,
)  # fmt: skip
APART = Threshold(
    "apart", 0.5, "distance", "Alike, yet utilities apart by", "the least distance of two near duplicates' utilities.",
    low=0,
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """A reason why a pair is worth a person's minute: its meaning, its thresholds and the query that finds it.

    `query` selects query_id, passage_id, why (text) and strength (0 to 1) from the table `pair`, which has query_id,
    passage_id, utility, before and after (ranks), similarity and relevance of every hit. It may use the values $useful
    and so on of its `thresholds`, $relevant_from (the least relevance of a relevant passage), $unit, $zero and $scale
    of the teacher, the tables that `tables` defines (named unlike any other rule's), `best` and `second` of
    `views/hard_cases.py`, and those of `store/database/schema.py`. All rules run as one statement: a query that
    is wrong fails them all. One that `needs_utilities` is left out where no teacher has scored anything.
    """

    meaning: str
    thresholds: tuple[Threshold, ...]
    query: str
    tables: str = ""
    needs_utilities: bool = False


# 1 - exp(-u) of a utility in nats per token is the share of the perplexity that a passage takes away; halved below
# the line of uselessness, where any passage at all disagrees with being wanted.
_GAIN = "(1 - exp(-greatest((utility - $zero) / $scale, 0)))"
_LOSS = "(1 - 0.5 * exp(least((utility - $useless) / $scale, 0)))"

SCALES = f"""
    scales as materialized (
        select teacher, coalesce(any_value(unit), 'unknown') as unit,
               {useful_above_sql("any_value(unit)", "avg(value)")} as zero,
               if(any_value(unit) in {NATS}, 1, coalesce(nullif(stddev_pop(value), 0), 1)) as scale
        from utilities left join teachers using (teacher) group by teacher
    )
"""

# Another teacher's utilities are held against the same lines if its unit is the same and known, else against its own.
_TEACHERS = f"""
    lines as (
        select teacher,
               if(unit = $unit and unit <> 'unknown', $useful, zero + {USEFUL.default} * scale) as their_useful,
               if(unit = $unit and unit <> 'unknown', $useless, zero + {USELESS.default} * scale) as their_useless
        from scales
    ), scored_by_both as (
        select query_id, passage_id, pair.utility, o.teacher as other, o.value as theirs, their_useful, their_useless,
               rank() over (partition by o.teacher, query_id order by utility desc) as place,
               rank() over (partition by o.teacher, query_id order by o.value desc) as their_place
        from pair join utilities o using (query_id, passage_id) join lines using (teacher)
        where o.teacher <> $teacher and pair.utility is not null
    ), opposed as (
        select *, abs(1.0 / place - 1.0 / their_place) as distance,
               row_number() over (partition by query_id, passage_id order by distance desc, other) as turn
        from scored_by_both
        where (utility >= $useful and theirs <= their_useless) or (utility <= $useless and theirs >= their_useful)
              or (least(place, their_place) <= $near and greatest(place, their_place) > $far)
    )
"""

# Passages with nearly the same words as another of their query, which is more useful. Texts whose sets of words differ
# in d words differ in at most d bits of their odd sketches (Mitzenmacher, Pagh and Pham 2014), so that most pairs need
# no reading. The words of the most useful passage that is left are compared; of the others only where these differ.
SKETCH = 4  # of 64 bits each
_BITS = ", ".join(
    f"coalesce(list_bit_xor(list_transform(list_filter(words, lambda w: (w >> 6) % {SKETCH} = {part}), "
    f"lambda w: 1::ubigint << (w % 64))), 0) as bits_{part}"
    for part in range(SKETCH)
)
_BITS_APART = " + ".join(f"bit_count(xor(a.bits_{part}, b.bits_{part}))::smallint" for part in range(SKETCH))
_ALIKE = f"b.utility - a.utility >= $apart and {_BITS_APART} <= a.reach + b.reach + 1e-9"
_COMPARED = """
    select query_id, passage_id, twin, common / (size + its_size - common) as shared from (
        select query_id, passage_id, twin, shared_words(l.words, r.words) as common, len(l.words) as size,
               len(r.words) as its_size
        from {pairs} join word_sets l using (passage_id) join (select passage_id as twin, words from word_sets) r
             using (twin)
    )
"""
_TWINS = f"""
    word_sets as materialized (
        select passage_id, word_set(lower(concat_ws(' ', title, text))) as words
        from passages semi join (select passage_id from pair where utility is not null) using (passage_id)
    ), sketched as materialized (
        select query_id, passage_id, utility, reach, columns('bits_.*') from pair join (
            select passage_id, len(words) * (1 - $alike) / (1 + $alike) as reach, {_BITS} from word_sets
            where len(words) > 0
        ) using (passage_id)
        where utility is not null
    ), likeliest as (
        select a.query_id, a.passage_id, arg_max(b.passage_id, (b.utility, b.passage_id)) as twin
        from sketched a join sketched b using (query_id) where {_ALIKE} group by all
    ), compared as materialized (
        {_COMPARED.format(pairs="likeliest")}
    ), others as (
        select a.query_id, a.passage_id, b.passage_id as twin
        from (from sketched semi join (from compared where shared < $alike) using (query_id, passage_id)) a
        join sketched b using (query_id) where {_ALIKE}
    ), twins as (
        from (from compared union all {_COMPARED.format(pairs="others")}) where shared >= $alike
    )
"""

RULES: dict[str, Rule] = {
    "useful but far": Rule(
        "The teacher finds the passage useful; the student ranks it low.",
        (USEFUL, FAR),
        f"""
            select query_id, passage_id, format('utility {{:+.2f}}, yet rank {{}}', utility, after) as why,
                   {_GAIN} * (1 - 1.0 / after) as strength
            from pair semi join best using (query_id, passage_id) where utility >= $useful and after > $far
        """,
        needs_utilities=True,
    ),
    "useless but near": Rule(
        "The teacher finds that the passage does not help; the student ranks it on top.",
        (USELESS, NEAR),
        f"""
            select query_id, passage_id, format('rank {{}}, yet utility {{:+.2f}}', after, utility), {_LOSS} / after
            from pair where utility <= $useless and after <= $near
                  and coalesce(relevance, 0) < $relevant_from
        """,
        needs_utilities=True,
    ),
    "got worse": Rule(
        "A relevant passage ranks lower after training than before.",
        (),
        """
            select query_id, passage_id, format('a relevant passage fell from rank {} to {}', before, after),
                   1.0 / before - 1.0 / after
            from pair where relevance >= $relevant_from and after > before
        """,
    ),
    "teacher against qrels": Rule(
        "Judged relevant, yet the teacher finds no use in it; or useful, yet judged not relevant.",
        (USEFUL, USELESS),
        f"""
            select query_id, passage_id, format(
                       'judged {{}}, yet utility {{:+.2f}}',
                       if(relevance >= $relevant_from, 'relevant', 'not relevant'), utility),
                   if(relevance >= $relevant_from, {_LOSS}, {_GAIN})
            from pair where if(relevance >= $relevant_from, utility <= $useless, utility >= $useful)
                  and relevance is not null
        """,
        needs_utilities=True,
    ),
    "teachers disagree": Rule(
        "Another teacher says the opposite, or ranks the passage far from where this one does.",
        (USEFUL, USELESS, NEAR, FAR),
        """
            select query_id, passage_id, format(
                       'utility {:+.2f} (place {} of the candidates), yet {} says {:+.2f} (place {})',
                       utility, place, other, theirs, their_place), distance
            from opposed where turn = 1
        """,
        _TEACHERS,
        needs_utilities=True,
    ),
    "confident and wrong": Rule(
        "The student's first hit is well ahead of its second, yet not relevant or of no help.",
        (MARGIN, USELESS),
        """
            select query_id, passage_id, format('ranked first, {:.0f} % ahead of the second, yet {}', 100 * ahead,
                       if(relevance is null, format('utility {:+.2f}', utility), 'judged not relevant')),
                   least(ahead, 1)
            from (select *, (similarity - runner_up) / nullif(abs(similarity), 0) as ahead from pair join second
                  using (query_id) where after = 1)
            where ahead >= $margin and (relevance < $relevant_from or (relevance is null and utility <= $useless))
        """,
    ),
    "unjudged but high": Rule(
        "The student ranks the passage on top, and nobody has judged it.",
        (UNJUDGED,),
        """
            select query_id, passage_id, format('rank {}, and nobody has judged it', after), 0.5 / after
            from pair where relevance is null and after <= $unjudged
        """,
    ),
    "near duplicates": Rule(
        "Nearly the same words as another passage of this query, yet much less useful to the teacher.",
        (ALIKE, APART),
        """
            select query_id, passage_id, format(
                       '{:.0f} % of its words are those of {}, yet utility {:+.2f} against {:+.2f}',
                       100 * arg_max(shared, (theirs, twin)), arg_max(twin, (theirs, twin)), any_value(utility),
                       max(theirs)), 1 - exp((any_value(utility) - max(theirs)) / $scale)
            from pair join twins using (query_id, passage_id)
            join (select query_id, passage_id as twin, utility as theirs from pair) using (query_id, twin)
            group by query_id, passage_id
        """,
        _TWINS,
        needs_utilities=True,
    ),
}


def known_thresholds() -> dict[str, Threshold]:
    """Return the thresholds of all rules by their names, in the order of the rules."""
    return {threshold.name: threshold for rule in RULES.values() for threshold in rule.thresholds}


@dataclass(frozen=True, init=False, repr=False)
class Thresholds:
    """The thresholds that differ from the usual ones, by name: `Thresholds(useful=0.3, near=5)`.

    Utilities are in the teacher's unit, ranks count from 1. Raises UnknownName and BadSetting. The usual values of a
    teacher are those of `views.usual_thresholds`; the names, labels, bounds and help, those of `known_thresholds`.
    """

    chosen: Mapping[str, float] = field(hash=False)

    def __init__(self, **chosen: float) -> None:
        known = known_thresholds()
        if unknown := sorted(chosen.keys() - known.keys()):
            raise UnknownName("threshold", unknown[0], list(known))
        object.__setattr__(self, "chosen", {name: known[name].checked(value) for name, value in chosen.items()})

    def __repr__(self) -> str:
        return f"Thresholds({', '.join(f'{name}={value!r}' for name, value in self.chosen.items())})"

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Thresholds:
        """Return the thresholds that settings such as "useful=0.3" spell."""
        chosen = {}
        for setting in settings:
            name, _, value = setting.partition("=")
            try:
                chosen[name.strip()] = float(value)
            except ValueError:
                hint = f"Example: useful=0.3. Thresholds: {', '.join(known_thresholds())}."
                raise BadSetting(f"{setting!r} is not NAME=NUMBER.", hint) from None
        return cls(**chosen)

    def values(self, scale: UtilityScale) -> dict[str, float]:
        """Return all thresholds by name: those chosen, and the usual ones for a teacher of this scale."""
        return {name: self.chosen.get(name, threshold.usual(scale)) for name, threshold in known_thresholds().items()}
