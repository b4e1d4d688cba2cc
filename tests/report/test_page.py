"""The report: one file that parses, loads nothing, says what the diff says, and lets no text act."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

from tests.conftest import run, utility
from workbench.errors import WorkbenchError
from workbench.records import Hit, Passage, Qrel, Query
from workbench.report import Report, Shown, page, write
from workbench.steps.compare.compare_runs import compare_runs
from workbench.steps.compare.diff import diff
from workbench.steps.compare.filters import Filters
from workbench.steps.compare.rank_similarity import rank_similarity
from workbench.steps.data.workspace_settings import with_settings
from workbench.store import Store, add_ranking, views

Q2 = "http://q/2?x=1"
NASTY = "</script><script>alert(1)</script><img src=http://x onerror=alert(2)> \"'&amp; ${body} $title </section> <b>"
VOID = {"meta", "br", "img", "input", "link"}


class Seen(HTMLParser):
    """Reads a document, and notes what does not close, what loads, and what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[tuple[str, str]] = []
        self.acts: list[str] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [(name, value) for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]
        self.acts += [name for name, _ in attrs if name.startswith("on")]

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def seen(text: str) -> Seen:
    found = Seen()
    found.feed(text)
    found.close()
    assert found.open == []
    return found


def written(store: Store, shown: Shown | None = None, by: str = "") -> str:
    compared = diff(store, "before", "after", "R@1")
    contrasted = rank_similarity(store, "before", "after", by) if by else None
    return page(store, Report(compared, contrasted), shown)


def test_the_report_says_what_the_diff_says(store: Store) -> None:
    words = " ".join(" ".join(seen(written(store, Shown(teacher="toy"))).said).split())
    for expected in (
        diff(store, "before", "after", "R@1").in_words,
        "1 better 0 the same 1 worse",
        "after was evaluated before passages or split changed",
        "50% → 50% @1",
        "What raised the price of oil?",
        "▲ up 2",
        "useful +2.00",
        "moved toward the teacher",
    ):
        assert expected in words, expected


def test_it_loads_nothing_and_only_its_own_script_may_run(store: Store) -> None:
    text = written(store, Shown(teacher="toy"))
    found = seen(text)
    assert {value[0] for _, value in found.loads} == {"#"}
    assert found.acts == []
    assert not re.search(r"@import|url\(", text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'" in text
    assert "prefers-color-scheme: dark" in text


def test_nasty_text_is_only_text(empty: Store) -> None:
    empty.add_collection(
        [Query(NASTY, NASTY, (NASTY, "b"), "test")],
        [Passage(NASTY, NASTY, NASTY * 9), Passage("p", "", NASTY)],
        [Qrel(NASTY, NASTY, 1)],
    )
    for name, order in (("before", (NASTY, "p")), ("after", ("p", NASTY))):
        run_name = f"{name}@test"
        empty.add_run(run(name), [Hit(run_name, NASTY, p, rank, 1 / rank) for rank, p in enumerate(order, 1)])
    empty.add_scored([utility(NASTY, NASTY, 1.0, NASTY)])
    text = written(empty, Shown(teacher=NASTY), by="RBO")
    found = seen(text)
    assert found.tags.count("script") == 1
    assert not {"img", "iframe", "object", "link"} & set(found.tags)
    assert found.acts == []
    assert NASTY in "".join(found.said)
    assert {value[0] for _, value in found.loads} == {"#"}


def test_filters_and_top_decide_what_is_shown(store: Store) -> None:
    worse = seen(written(store, Shown(Filters(only="worse"))))
    assert (worse.tags.count("section"), "Where do rivers run?" in worse.said) == (1, True)
    assert "What raised the price of oil?" not in worse.said
    assert seen(written(store, Shown(top=1))).tags.count("section") == 1
    assert "Only the queries worse." in worse.said
    none = seen(written(store, Shown(Filters(words="no such word", tag=NASTY))))
    assert ("section" in none.tags, none.tags.count("script")) == (False, 1)
    told = f"No query passes this filter. Only the queries with “no such word”, tagged “{NASTY}”."
    assert told in "".join(none.said)


def test_a_querys_passages_are_joined_from_before_to_after(store: Store) -> None:
    text = written(store, Shown(teacher="toy"))
    (section,) = re.findall(r'<section class="query" id="q1">.*?</section>', text, flags=re.DOTALL)
    (drawn,) = re.findall(r'<svg class="lines".*?</svg>', section, flags=re.DOTALL)
    joined = re.findall(r'<g data-passage="(.*?)"><title>(.*?)</title>', drawn)
    moved = views.movements(store, *(views.find_run(store, name, "test") for name in ("before", "after")), Q2, depth=10)
    assert sorted(passage_id for passage_id, _ in joined) == sorted(move.passage_id for move in moved)
    told = dict(joined)
    assert told["03"].startswith("Rivers run to the sea. (03): rank 1 to rank 3, relevant")
    heights = {
        passage_id: tuple(map(float, found))
        for passage_id, *found in re.findall(r'data-passage="(.*?)">.*?d="M\S+ (\S+)C.*? (\S+)"/>', drawn)
    }
    assert heights["03"][0] < heights["03"][1], "a lower rank stands higher"
    assert heights["ü"][0] > heights["ü"][1]


def test_every_query_is_a_dot_before_against_after(store: Store) -> None:
    text = written(store)
    (drawn,) = re.findall(r'<svg class="plot".*?</svg>', text, flags=re.DOTALL)
    told = re.findall(r"<title>(.*?)</title>", drawn)
    assert told == [
        "What raised the price of oil?: 0.000 before, 1.000 after",
        "Where do rivers run?: 1.000 before, 0.000 after",
    ]
    places = [tuple(map(float, place)) for place in re.findall(r"translate\((\S+) (\S+)\)scale", drawn)]
    assert places == [(62, 10), (442, 390)], "better above the diagonal, worse below it"
    assert "1 better." in " ".join(seen(text).said)


def test_many_runs_are_a_heatmap(store: Store) -> None:
    store.add_collection([Query("n", NASTY, (), "test")], qrels=[Qrel("n", "03", 1)])
    for name in ("before", "after"):
        old = views.find_run(store, name, "test")
        store.add_run(run(name), [*views.hits(store, old), Hit(old.run, "n", "03", 1, 0.5)])
    many = compare_runs(store, ["before", "after"], ["R@1"])
    text = page(store, Report(diff(store, "before", "after"), table=many))
    (drawn,) = re.findall(r'<div class="heat".*?</svg>', text, flags=re.DOTALL)
    found = seen(drawn + "</div>")
    assert (found.tags.count("g"), found.tags.count("rect"), found.tags.count("script")) == (3, 6, 0)
    assert "What raised the price of oil? (q1) before: 0.000; after: 1.000" in found.said
    assert re.findall(r'opacity="(.*?)"', drawn)[:2] in (["0.08", "1.00"], ["1.00", "0.08"])
    assert "3 of 3" in " ".join(seen(text).said)


def test_a_contrast_alone_and_many_runs(store: Store) -> None:
    text = page(store, Report(rank_similarity=rank_similarity(store, "before", "after", "tauAP")))
    assert "not judged" in text
    assert "tauAP: AP correlation" in text
    assert "Every measure" not in text
    many = compare_runs(store, ["before", "after"], ["AP"])
    assert "Against before" in page(store, Report(diff(store, "before", "after"), table=many))
    with pytest.raises(ValueError, match="needs a diff"):
        page(store, Report())


def test_a_large_diff_stays_under_two_megabytes(empty: Store) -> None:
    queries = [Query(f"q{n}", f"What is said of number {n} in the long text?", ("said",), "test") for n in range(3_000)]
    passages = [Passage(f"p{n}", f"Title {n}", "Some words that are said. " * 40) for n in range(30)]
    empty.add_collection(queries, passages, [Qrel(query.query_id, "p1", 1) for query in queries])
    for name, shift in (("before", 0), ("after", 7)):
        hits = [
            Hit(f"{name}@test", query.query_id, f"p{(number + rank + shift) % 30}", rank, 1 / rank)
            for number, query in enumerate(queries)
            for rank in range(1, 11)
        ]
        empty.add_run(run(name, depth=10), hits)
    text = written(empty)
    assert len(text.encode()) < 2_000_000
    assert "The first 1,000 of 3,000" in text
    assert seen(text).tags.count("section") == 20


def test_writing_leaves_a_whole_file_or_says_why(tmp_path: Path) -> None:
    target = write(tmp_path / "new" / "diff.html", "whole")
    assert [path.name for path in target.parent.iterdir()] == ["diff.html"]
    assert target.read_text() == "whole"
    with pytest.raises(WorkbenchError, match="cannot be written"):
        write(tmp_path / "new" / "diff.html" / "x.html", "whole")


def test_the_report_follows_the_level_of_relevance_and_shows_the_grades(store: Store) -> None:
    store.add_collection(qrels=[Qrel("q1", "p 2", 2)])
    store = with_settings(store, relevance=2)
    document = page(store, Report(diff(store, "before", "after", "RR")), Shown(top=2))
    assert "RR(rel=2)" in document
    assert "2 judged queries (1 of them without a passage of relevance 2 or more, counted as 0)" in document
    assert "relevant · grade 2" in document
    assert "grade 1, below the level" in document


def test_what_is_known_by_its_id_alone_says_so(store: Store) -> None:
    hits = {"query_id": ["q1", "q-id"], "passage_id": ["p/1", "p-id"], "similarity": [2.0, 1.0]}
    add_ranking(store, "theirs", [pa.table(hits)], "", split="test")
    store.add_collection(qrels=[Qrel("q-id", "p-id", 1)])
    document = page(store, Report(diff(store, "before", "theirs", "R@1")), Shown(top=3))
    assert document.count("no text in this workspace") >= 3  # of the query in the list and above its cards, of p-id
