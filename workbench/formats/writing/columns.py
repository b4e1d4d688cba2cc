"""The columns of every table that an export writes, and their types in Parquet: the same whatever the rows hold."""

from __future__ import annotations

import pyarrow as pa

TEXT, TEXTS, WHOLE, NUMBER = pa.string(), pa.list_(pa.string()), pa.int64(), pa.float64()

_LIKELIHOOD = pa.struct({"answer": TEXT, "tokens": WHOLE, "with_passage": NUMBER, "without_passage": NUMBER})
_REASON = pa.struct({"rule": TEXT, "why": TEXT, "strength": NUMBER})

UTILITIES = pa.schema(
    {
        "query_id": TEXT,
        "passage_id": TEXT,
        "teacher": TEXT,
        "value": NUMBER,
        "answers": pa.list_(_LIKELIHOOD),
        "truncated": WHOLE,
        "unit": TEXT,
    }
)
# Mappings, as `utilities` by teacher and `ranks` by student, are JSON.
ANNOTATIONS = pa.schema(
    {
        **dict.fromkeys(("query_id", "query"), TEXT),
        "answers": TEXTS,
        **dict.fromkeys(("split", "passage_id", "title", "text", "verdict"), TEXT),
        **dict.fromkeys(("annotator", "note", "rule", "created"), TEXT),
        "relevance": WHOLE,
        "utilities": TEXT,
        "ranks": TEXT,
        "grade": WHOLE,
        "tags": TEXTS,
        "flagged": pa.bool_(),
        "query_tags": TEXTS,
    }
)
HARD_CASES = pa.schema(
    {
        "query_id": TEXT,
        "passage_id": TEXT,
        "reasons": pa.list_(_REASON),
        "strength": NUMBER,
        "utility": NUMBER,
        "before": WHOLE,
        "after": WHOLE,
        "relevance": WHOLE,
        "relevant": pa.bool_(),
        "rules": TEXTS,
        "why": TEXT,
    }
)
RATINGS = pa.schema({"query": TEXT, "docid": TEXT, "rating": WHOLE})
TRIPLETS = pa.schema(dict.fromkeys(("query", "positive", "negative"), TEXT))
FLAGEMBEDDING = pa.schema(
    {
        "query": TEXT,
        **dict.fromkeys(("pos", "neg"), TEXTS),
        **dict.fromkeys(("pos_scores", "neg_scores"), pa.list_(NUMBER)),
        "query_id": TEXT,
        **dict.fromkeys(("pos_id", "neg_id"), TEXTS),
    }
)


def pair_columns(*, ids: bool) -> pa.Schema:
    """Return the columns of pairs, those of the ids last."""
    named = dict.fromkeys(("query_id", "passage_id"), TEXT) if ids else {}
    return pa.schema({"query": TEXT, "passage": TEXT, "score": NUMBER} | named)


def list_columns(passages: int, *, ids: bool) -> pa.Schema:
    """Return the columns of lists of so many passages, those of the ids last."""
    numbers = range(1, passages + 1)
    named = ["query_id", *(f"passage_{number}_id" for number in numbers)] if ids else []
    texts = dict.fromkeys(("query", *(f"passage_{number}" for number in numbers)), TEXT)
    return pa.schema({**texts, "scores": pa.list_(NUMBER), **dict.fromkeys(named, TEXT)})
