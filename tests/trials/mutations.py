"""Damage to valid files, always the same for a seed: what disks, editors, other programs and ill will do to them."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**40, 2**63, 2**70, -(2**70), 0.5, 1e308, float("nan"), float("inf"), "", " ",
    "\t", "\0", "\ud800", "\u0661", "\u202e", "1e400", "9" * 400, "x" * 70_000, "0001-01-01",
    "9999-12-31T23:59:59+14:00", "2026-02-30", [], [[]], [None], [1, "a"], {}, {"a": None}, {"text": {"text": 1}},
    ["x"] * 1_000,
)  # fmt: skip
ODD_BYTES = (
    b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\r", b"\x1a", b'"', b"'", b",", b"\t", b"{", b"}", b"[", b"]", b"\\u",
    b"\\ud83d", b"-", b"NaN", b"Infinity", b"1e400", b"9" * 500, "\u2028".encode(), "\u0661".encode(), b"[" * 3_000,
)  # fmt: skip


def truncated(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def flipped(content: bytes, random: Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(random.choice([1, 1, 2, 8, 64])):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def inserted(content: bytes, random: Random) -> bytes:
    place = random.randrange(len(content) + 1)
    return content[:place] + random.choice(ODD_BYTES) + content[place:]


def cut_out(content: bytes, random: Random) -> bytes:
    begin = random.randrange(len(content))
    return content[:begin] + content[begin + random.randrange(1, 64) :]


def repeated(content: bytes, random: Random) -> bytes:
    begin = random.randrange(len(content))
    part = content[begin : begin + random.randrange(1, 400)]
    return content[:begin] + part * random.choice([2, 3, 50]) + content[begin:]


def recoded(content: bytes, random: Random) -> bytes:
    """Return a text in another encoding, where it is one."""
    try:
        return (content.decode() + "é\n").encode(random.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"]))
    except UnicodeError:
        return content[::-1]


def odd_number(content: bytes, random: Random) -> bytes:
    """Replace one of the numbers in a text."""
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?", content))
    if not numbers:
        return inserted(content, random)
    number = random.choice(numbers)
    odd = random.choice([b"1e400", b"-1e400", b"9" * 400, str(2**64).encode(), b"nan", b"0x1", "\u0661".encode(), b""])
    return content[: number.start()] + odd + content[number.end() :]


def odd_value(content: bytes, random: Random) -> bytes:
    """Replace one of the values in JSON, or in a line of JSON lines."""
    lines = content.split(b"\n")
    number = random.randrange(len(lines))
    for text, put in ((content, lambda new: new), (lines[number], lambda new: b"\n".join(
        [*lines[:number], new, *lines[number + 1 :]]
    ))):  # fmt: skip
        try:
            document = json.loads(text)
        except ValueError:
            continue
        return put(json.dumps(_with_odd_value(document, random)).encode())
    return odd_cell(content, random)


def odd_cell(content: bytes, random: Random) -> bytes:
    """Replace one of the cells in a separated text."""
    cells = re.split(rb"([,\t\n ])", content)
    cells[random.randrange(len(cells))] = str(random.choice(ODD_VALUES)).encode("utf-8", "surrogatepass")
    return b"".join(cells)


def nested(content: bytes, random: Random) -> bytes:
    """Put one of the lines into many brackets."""
    lines = content.split(b"\n")
    number, depth = random.randrange(len(lines)), random.choice([1, 100, 5_000])
    lines[number] = b"[" * depth + lines[number] + b"]" * depth
    return b"\n".join(lines)


def packed_badly(content: bytes, random: Random) -> bytes:
    """Return damaged gzip."""
    return random.choice([truncated, flipped, cut_out])(gzip.compress(content), random)


def emptied(content: bytes, random: Random) -> bytes:
    return random.choice([b"", b"\n", b" ", b"\0", b"\xef\xbb\xbf", b"\x1f\x8b", b"null", b"[]", b"{}", b"PAR1PAR1"])


MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    truncated, flipped, inserted, cut_out, repeated, recoded, odd_number, odd_value, odd_value, odd_cell, nested,
    packed_badly, emptied,
)  # fmt: skip


def mutated(content: bytes, random: Random) -> tuple[str, bytes]:
    """Return the names of one to three mutations, and what they make of a file."""
    names = []
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        mutation = random.choice(MUTATIONS)
        content = mutation(content or b"\n", random)
        names.append(mutation.__name__)
    return " and ".join(names), content


def _with_odd_value(document: Any, random: Random) -> Any:
    """Return JSON with one of its values, at any depth, replaced."""
    if isinstance(document, dict) and document and random.random() < 0.85:
        name = random.choice(list(document))
        if random.random() < 0.1:
            return {key: value for key, value in document.items() if key != name}
        return document | {name: _with_odd_value(document[name], random)}
    if isinstance(document, list) and document and random.random() < 0.85:
        place = random.randrange(len(document))
        return [*document[:place], _with_odd_value(document[place], random), *document[place + 1 :]]
    return random.choice(ODD_VALUES)
