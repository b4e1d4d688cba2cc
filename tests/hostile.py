"""A workspace in which every text tries to be more than text."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.conftest import run
from tests.ui.pages import trained_student
from workbench.records import Annotation, AnswerLikelihood, Candidate, Failure, Hit, Passage, Qrel, Query, Utility
from workbench.store import Store

MARKUP = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 1</script><b>bold</b>'
DIRECTIVES = ":red[x] :blue-badge[y] :material/home: $\\frac{a}{b}$ **bold** `code` [a](javascript:b) ![](http://x/y)"
CONTROLS = "tab\tbell\u0007escape\u001b[31m line\u2028separator\ufeff"
RIGHT_TO_LEFT = "\u202egnp.txt\u202c مرحبا بالعالم \u2067rtl\u2069"
LONG = "x" * 100_000
TEXTS = (MARKUP, DIRECTIVES, CONTROLS, RIGHT_TO_LEFT, LONG, "")
# A student that was trained is a folder, whose name has no slash.
STUDENT = '<img src=x onerror="window.hacked = 1"> :red[after] $x$ **b**'
BASE = f"{MARKUP} :red[before] $x$"
TEACHER = f"imported:{DIRECTIVES}"
ANNOTATORS = ("<b>Ada</b> :red[x] $x$", "\u202eecarG <script>")


def query_id(text: str) -> str:
    """Return the id of the query, and of the passage, of one of TEXTS."""
    return f"{TEXTS.index(text)} {text[:200]}"


def hostile(store: Store) -> None:
    """Fill a store with hostile queries, passages, answers, ids, tags, notes and names."""
    ids = [query_id(text) for text in TEXTS]
    texts = list(zip(ids, TEXTS, strict=True))
    store.add_collection(
        [Query(one, text or "?", (text,) if text else (), "test", (text[:60],) if text else ()) for one, text in texts],
        [Passage(one, text, text) for one, text in texts],
        [Qrel(one, one, 1) for one in ids],
    )
    pairs = [(query, passage) for query in ids for passage in ids]
    store.add_candidates(Candidate(*pair, MARKUP) for pair in pairs)
    scored = [
        Utility(query, passage, TEACHER, 1.0 if query == passage else -1.0 - place / 100,
                (AnswerLikelihood(texts[place % 5][1], 2, -6.0, -8.0),))
        for place, (query, passage) in enumerate(pairs[1:])
    ]  # fmt: skip
    store.add_scored([*scored, Failure(*pairs[0], TEACHER, MARKUP, "unreadable", DIRECTIVES)], "nats per token")
    for name, step in ((BASE, 1), (STUDENT, -1)):
        hits = [
            Hit(f"{name}@test", query, passage, rank, 1 - rank / 10)
            for query in ids
            for rank, passage in enumerate(ids[::step], start=1)
        ]
        store.add_run(run(name), hits)
    trained_student(store, STUDENT, 1, 0.7, base=BASE, teacher=TEACHER, note=MARKUP, tags=[DIRECTIVES, MARKUP])
    store.add_annotations(
        [
            Annotation(*pair, who, verdict, text[:1_000], "", datetime(2026, 1, 1, tzinfo=UTC), None, (text[:50],))
            for who, verdict in zip(ANNOTATORS, ("useful", "useless"), strict=True)
            for pair, text in zip(pairs[1:4], TEXTS, strict=False)
        ]  # type: ignore[arg-type]
    )
