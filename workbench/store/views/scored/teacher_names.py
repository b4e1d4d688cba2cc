"""The names of teachers whose utilities are imported or derived, and what gives each kind the pairs that it lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from workbench.commands import command, line

# Numbers from a file have no recipe that could be checked, so their teacher's name says where they came from.
IMPORTED = "imported:"
# Between a teacher's name and a reading of its likelihoods.
READING_SIGN = "|"
_READING = re.compile(r"(?P<source>.+)\|(?P<definition>[a-z]+):(?P<answers>best|mean|all)", re.DOTALL)
_ENSEMBLE = re.compile(r"ensemble:(?P<normalisation>[a-z-]+)\((?P<parts>.+)\)", re.DOTALL)
_PART = re.compile(r"(?P<weight>[0-9.e+-]+)\*(?P<source>.+)", re.DOTALL)


class Derivation(NamedTuple):
    """Which teachers a derived one is computed from, and the arguments of the command that computes it."""

    sources: tuple[str, ...]
    command: list[str]


def reading_name(teacher: str, definition: str, answers: str) -> str:
    """Return the name of the teacher that a reading of a teacher's likelihoods is."""
    return f"{teacher}{READING_SIGN}{definition}:{answers}"


def ensemble_name(normalisation: str, weights: Mapping[str, float]) -> str:
    """Return the name of the teacher that an ensemble of teachers with these weights is."""
    parts = " + ".join(f"{repr(weight).removesuffix('.0')}*{name}" for name, weight in weights.items())
    return f"ensemble:{normalisation}({parts})"


def derivation(teacher: str) -> Derivation | None:
    """Return what a teacher is computed from, by its name; None of one that is asked, or was imported."""
    if read := _READING.fullmatch(teacher):
        options = {"definition": read["definition"], "answers": read["answers"]}
        return Derivation((read["source"],), command("reading", read["source"], **options))
    if not (combined := _ENSEMBLE.fullmatch(teacher)):
        return None
    parts = [_PART.fullmatch(part) for part in _outer_parts(combined["parts"])]
    sources = tuple(part["source"] for part in parts if part)
    if len(sources) < len(parts):
        return None
    weights = ",".join(part["weight"] for part in parts if part)
    normalisation = combined["normalisation"]
    return Derivation(sources, command("combine", *sources, weights=weights, normalisation=normalisation))


def asked_teachers(teacher: str) -> tuple[str, ...]:
    """Return the teachers whose utilities are behind a teacher's, by its name: itself where it is not derived."""
    if not (derived := derivation(teacher)):
        return (teacher,)
    return tuple(dict.fromkeys(one for source in derived.sources for one in asked_teachers(source)))


def commands_to_fill(teacher: str, split: str | None = None) -> list[list[str]]:
    """Return the commands that give a teacher the pairs of a split, or of all, that it lacks.

    The sources of a derived teacher come first; then it is computed anew. Which teacher scores is left to say.
    """
    if derived := derivation(teacher):
        of_sources = [one for source in derived.sources for one in commands_to_fill(source, split)]
        return [*(one for place, one in enumerate(of_sources) if one not in of_sources[:place]), derived.command]
    if teacher.startswith(IMPORTED):
        return [command("ingest", "utilities", "FILE", teacher=teacher)]
    return [command("score", split=split)]


def advice_to_fill(teacher: str, split: str | None = None) -> str:
    """Return what gives a teacher the pairs of a split, or of all, that it lacks, as a clause: "run ... with it"."""
    if derived := derivation(teacher):
        of_sources = dict.fromkeys(advice_to_fill(source, split) for source in derived.sources)
        return ", then ".join([*of_sources, f"run `{line(derived.command)}`"])
    if teacher.startswith(IMPORTED):
        return f"ingest scores of {teacher} for them"
    return f"run `{line(command('score', split=split))}` with {teacher}"


def hint_to_fill(teacher: str, split: str | None = None) -> str:
    """Return `advice_to_fill` as a sentence."""
    advice = advice_to_fill(teacher, split)
    return f"{advice[0].upper()}{advice[1:]}."


def _outer_parts(text: str) -> list[str]:
    """Split the parts of an ensemble's name at each " + " before a weight that stands in no brackets."""
    parts, depth = [""], 0
    for word in re.split(r"( \+ (?=[0-9.e+-]+\*)|[()])", text):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == " + " and not depth:
            parts.append("")
        else:
            parts[-1] += word
    return parts
