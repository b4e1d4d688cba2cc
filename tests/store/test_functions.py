"""What statements call beside DuckDB's own functions: the words of any text, and how many two texts have in common."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from workbench.store.database import functions
from workbench.store.database.connection import _cursor

TEXT = st.lists(
    st.sampled_from([*"ab7", "cat", "ca", "über", "日本", "²", "Ⅷ", " ", "\n", "\0", "_", "’", "—", "𝄞", "𝒳"])
)


@examples(40)
@given(st.lists(st.one_of(TEXT.map("".join), st.text(max_size=9)), max_size=9), st.sampled_from([1, 5, 1 << 16]))
def test_words_are_runs_of_letters_and_digits(texts: list[str], at_once: int) -> None:
    before, functions.BYTES_AT_ONCE = functions.BYTES_AT_ONCE, at_once
    try:
        with _cursor() as connection:
            rows = connection.execute(
                "with texts as (select unnest($texts::varchar[]) as text) "
                "select len(word_set(a.text)), shared_words(word_set(a.text), word_set(b.text)), a.text, b.text "
                "from texts a, texts b", {"texts": texts},
            ).fetchall()  # fmt: skip
    finally:
        functions.BYTES_AT_ONCE = before
    assert len(rows) == len(texts) ** 2
    for words, shared, one, other in rows:
        left, right = ({word for word in re.split(r"[\W_]+", text) if word} for text in (one, other))
        assert (words, shared) == (len(left), len(left & right))
