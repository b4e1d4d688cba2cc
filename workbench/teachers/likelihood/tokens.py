"""Prompts as token ids: where the passage lies in them, where the answer begins, and what is truncated to fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadSetting, ModelUnavailable
from workbench.records import Passage, Query
from workbench.teachers.prompts import PASSAGE_FIELDS, Piece, Template, pieces, tail

Ids = NDArray[np.int32]
Segment = int | tuple[Piece, ...]  # a special token's id, or a stretch that is tokenised in one go
Span = tuple[int, int]
Filled = tuple[int | str, list[Span]]  # the same with its text, and where in it the passage stands


class Prompt(NamedTuple):
    """A prompt as token ids, before it is truncated; `of_passage` marks the tokens that may be."""

    ids: Ids
    of_passage: NDArray[np.bool_]


class PromptTokenizer:
    """A model's tokenizer for the prompts and answers of one template.

    Stretches between special tokens are tokenised whole, so that words join as the model knows them. Special tokens
    are recognised only where the template declares them: "</s>" in a passage is read as those four characters.
    """

    def __init__(self, tokenizer: Any, template: Template, bos: bool | None = None) -> None:
        if not tokenizer.is_fast:
            raise ModelUnavailable(
                f"{type(tokenizer).__name__} gives no offsets of tokens in the text.",
                "Save the model with a fast tokenizer (tokenizer.json).",
            )
        self.template = template
        self._tokenizer = tokenizer
        self._special = _special_ids(tokenizer, template)
        self._with = self._segments(template.with_passage)
        self._without = self._segments(template.without_passage)
        self._answer = self._segments(template.answer)
        last = self._segments(tail(template.with_passage))[-1:]
        self._before_answer = "".join(piece.text for piece in last[0]) if last and not isinstance(last[0], int) else ""
        self._start = start_ids(tokenizer, bos)

    def prompts(self, pairs: Sequence[tuple[Query, Passage | None]]) -> list[Prompt]:
        """Return the prompt before the answer, for each query with its passage or with none."""
        filled = [list(self._filled(query, passage)) for query, passage in pairs]
        encoded = self._tokenise({text for segments in filled for text, _ in segments if isinstance(text, str)})
        return [self._joined(segments, encoded) for segments in filled]

    def answer(self, answer: str) -> Ids | None:
        """Return the tokens to be scored, the same after every prompt; None if nothing of the answer is left in them.

        The answer is cut off behind the words before it; where a token would span that border, it is encoded alone.
        """
        parts: list[Ids] = []
        before = self._before_answer
        for segment in self._answer:
            if isinstance(segment, int):
                parts.append(np.array([segment], dtype=np.int32))
            else:
                text = "".join(answer.strip() if piece.field else piece.text for piece in segment)
                parts.append(self._behind(before, text))
                if any(piece.field for piece in segment) and not parts[-1].size:
                    return None
            before = ""
        return np.concatenate(parts)

    def _behind(self, before: str, text: str) -> Ids:
        """Return the tokens of a text that follows another."""
        ids = {string: tokens for string, (tokens, _) in self._tokenise({before, before + text, text}).items()}
        border = len(ids[before])
        if np.array_equal(ids[before + text][:border], ids[before]):
            return ids[before + text][border:]
        return ids[text]

    def _filled(self, query: Query, passage: Passage | None) -> Iterator[Filled]:
        values = {"query": query.text.strip()}
        if passage is not None:
            values |= {name: getattr(passage, name).strip() for name in PASSAGE_FIELDS}
        for segment in self._with if passage is not None else self._without:
            if isinstance(segment, int):
                yield segment, []
                continue
            text, spans = "", []
            for piece in segment:
                start = len(text)
                text += values[piece.text] if piece.field else piece.text
                if piece.field and piece.text in PASSAGE_FIELDS:
                    spans.append((start, len(text)))
            yield text, spans

    def _joined(self, segments: list[Filled], encoded: dict[str, tuple[Ids, NDArray[np.int32]]]) -> Prompt:
        ids: list[Ids] = []
        marks: list[NDArray[np.bool_]] = []
        for text, spans in segments:
            if isinstance(text, int):
                ids.append(np.array([text], dtype=np.int32))
                marks.append(np.zeros(1, dtype=bool))
                continue
            tokens, offsets = encoded[text]
            starts, ends = offsets[:, 0], offsets[:, 1]
            inside = np.zeros(len(tokens), dtype=bool)
            for start, end in spans:
                inside |= (starts >= start) & (ends <= end) & (starts < ends)
            ids.append(tokens)
            marks.append(inside)
        whole, marked = np.concatenate(ids), np.concatenate(marks)
        if self._start.size and not np.array_equal(whole[: self._start.size], self._start):
            whole = np.concatenate([self._start, whole])
            marked = np.concatenate([np.zeros(self._start.size, dtype=bool), marked])
        return Prompt(whole, marked)

    def _tokenise(self, texts: Iterable[str]) -> dict[str, tuple[Ids, NDArray[np.int32]]]:
        """Return token ids and the offsets of each in its text, (n, 2), by text."""
        distinct = list(texts)
        if not distinct:
            return {}
        encoded = self._tokenizer(
            distinct,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            truncation=False,
            verbose=False,
        )
        pairs = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        arrays = [(np.array(ids, dtype=np.int32), np.array(at, dtype=np.int32).reshape(-1, 2)) for ids, at in pairs]
        return dict(zip(distinct, arrays, strict=True))

    def _segments(self, text: str) -> list[Segment]:
        segments: list[Segment] = []
        stretch: list[Piece] = []
        border = "|".join(re.escape(token) for token in sorted(self._special, key=len, reverse=True))
        for piece in pieces(text):
            parts = re.split(f"({border})", piece.text) if border and not piece.field else [piece.text]
            for part in parts:
                if not piece.field and part in self._special:
                    segments += [tuple(stretch), self._special[part]] if stretch else [self._special[part]]
                    stretch = []
                elif part:
                    stretch.append(Piece(part, piece.field))
        return [*segments, tuple(stretch)] if stretch else segments


def truncate(prompt: Prompt, limit: int, passage_limit: int | None) -> tuple[Ids, int] | None:
    """Return ids of at most `limit` tokens and how many of the passage's were dropped, from its end.

    At most `passage_limit` passage tokens stay; None if the rest leaves no room for a single one of them.
    """
    at = np.flatnonzero(prompt.of_passage)
    room = limit - (len(prompt.ids) - len(at))
    keep = min(len(at), room, len(at) if passage_limit is None else passage_limit)
    if room < 0 or (len(at) and keep < 1):
        return None
    return np.delete(prompt.ids, at[keep:]), len(at) - keep


def _special_ids(tokenizer: Any, template: Template) -> dict[str, int]:
    tokens = set(tokenizer.all_special_tokens) | set(tokenizer.get_added_vocab())
    if missing := [token for token in template.special if token not in tokens]:
        raise BadSetting(
            f"Template {template.name} spells {missing[0]}, which is no special token of this model.",
            "Choose the template that the model was trained with.",
        )
    return {token: int(tokenizer.convert_tokens_to_ids(token)) for token in template.special}


def start_ids(tokenizer: Any, bos: bool | None) -> Ids:
    """Return the tokens before every prompt: those the tokenizer puts before a text, or its BOS, or none."""
    if bos is None:
        plain = tokenizer("a", add_special_tokens=False)["input_ids"]
        whole = tokenizer("a")["input_ids"]
        starts = [at for at in range(len(whole)) if whole[at : at + len(plain)] == plain]
        return np.array(whole[: starts[0]] if starts else [], dtype=np.int32)
    if bos and tokenizer.bos_token_id is None:
        raise BadSetting("bos is true, but this model's tokenizer has no beginning-of-sequence token.", "Leave it out.")
    return np.array([tokenizer.bos_token_id] if bos else [], dtype=np.int32)
