"""The model card of a student: README.md with the hub's front matter, written from its recipe and what was measured."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from workbench import files
from workbench.hub import MINILM
from workbench.students.architectures import ARCHITECTURES, DENSE, Architecture
from workbench.students.student import Student

CARD = "README.md"
MARK = "<!-- utility-workbench wrote what is above this line, and will again; what is below is yours and stays. -->"
TAG = "utility-workbench"
USE = """from sentence_transformers import {opens}
student = {opens}("path/to/this/folder")
passages = student.encode_document(["The embargo of 1973 raised the price of oil."])
print(student.similarity(student.encode_query(["What raised the price of oil?"]), passages))"""
LIMITS = (
    "It was fitted to one collection; it has not been measured here on other texts, languages or kinds of query.",
    "Its teacher's utilities are a model's opinion, not a person's; it was trained on the teacher's errors too.",
    "Intervals cover the sampling of queries alone, not another seed, another teacher or missing judgements.",
    "A high similarity does not say that a passage is true.",
)


class Table(NamedTuple):
    """Cells as they are to be read, and a sentence below them."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class About:
    """What a card states beyond the recipe: a sentence on the loss, facts on the collection, a table of measures."""

    loss: str = ""
    collection: Sequence[str] = ()
    measures: Table | None = None


def origin(student: Student) -> dict[str, str]:
    """Return the model of the hub that a student derives from, `model`, and its `licence`; "" where not known."""
    if saved := student.recipe.get("origin"):
        return {"model": str(saved.get("model", "")), "licence": str(saved.get("licence", ""))}
    # One that was made here before recipes held an origin derives from its base, whose licence is not known now.
    name = student.base.removeprefix("static:") if student.recipe else student.name
    hub = f"sentence-transformers/{name}" if name == MINILM else name
    is_repository = re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", hub) and not Path(name).exists()
    licence = "" if student.recipe else _licence(student.path / CARD)
    return {"model": hub if is_repository else "", "licence": licence}


def write(student: Student, about: About, folder: Path | None = None) -> Path:
    """Write a student's card into its folder, or another; what a person wrote below the mark stays."""
    file = (folder or student.path) / CARD
    by_hand = ""
    if file.exists():
        card = file.read_text(encoding="utf-8")
        # A card without the mark was written by a person, all of it.
        by_hand = card.partition(MARK)[2] if MARK in card else _without_front_matter(card)
    files.write_text(file, text(student, about) + by_hand.rstrip() + ("\n" if by_hand.strip() else ""))
    return file


def append(file: Path, section: str) -> None:
    """Add a section to a card: above the mark if it is one of ours, else at its end."""
    card = file.read_text(encoding="utf-8") if file.exists() else ""
    generated, mark, by_hand = card.partition(MARK)
    files.write_text(file, f"{generated.rstrip()}\n\n{section.strip()}\n" + (f"\n{mark}{by_hand}" if mark else ""))


def text(student: Student, about: About) -> str:
    """Return the card of a student that was made here."""
    recipe = student.recipe
    sections = [
        _front_matter(student),
        f"# {inline(student.name)}",
        _summary(student),
        "## Use",
        f"```python\n{USE.format(opens=_architecture(student).opens)}\n```",
        "## How it was made",
        bullets(_provenance(student, about)),
    ]
    if "settings" in recipe:
        used = {**recipe["settings"], **recipe.get("resolved", {})}
        sections += ["Settings of the training:", fenced(used)]
    if about.collection:
        sections += ["## Data", bullets(about.collection)]
    sections += ["## Measures", *_measures(recipe, about)]
    sections += ["## Limits", bullets(LIMITS), "## Licence", _licences(student)]
    return "\n\n".join(sections) + f"\n\n{MARK}\n"


def inline(foreign: str) -> str:
    """Return untrusted text as one line of code in Markdown, in a table too, so that none of it acts as Markdown."""
    shown = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in foreign)
    shown = " ".join(shown.split()).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    # A space either side keeps a tick of the text from joining the fence; Markdown takes both away.
    return f"{fence} {shown} {fence}" if "`" in shown or not shown else f"{fence}{shown}{fence}"


def table(cells: Table) -> str:
    """Return a table in Markdown; its cells are taken as Markdown."""
    lines = [cells.header, ["---"] * len(cells.header), *cells.rows]
    markdown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{markdown}\n\n{cells.note}" if cells.note else markdown


def bullets(sentences: Iterable[str]) -> str:
    """Return a list in Markdown."""
    return "\n".join(f"- {sentence}" for sentence in sentences)


def fenced(value: Mapping[str, Any]) -> str:
    """Return values as a block of JSON; JSON writes a line break as two characters, so none can end the block."""
    return f"```json\n{json.dumps(dict(value), indent=2, default=str)}\n```"


def _front_matter(student: Student) -> str:
    from huggingface_hub import ModelCardData

    source = origin(student)
    data = ModelCardData(
        library_name="sentence-transformers",
        pipeline_tag=_architecture(student).pipeline,
        tags=[*_architecture(student).tags, TAG],
        base_model=source["model"] or None,
        license=source["licence"] or None,
    )
    return f"---\n{data.to_yaml()}\n---"


def _architecture(student: Student) -> Architecture:
    return ARCHITECTURES[student.recipe.get("architecture", DENSE.name)]


def _summary(student: Student) -> str:
    summary = f"A retriever: {_architecture(student).about}."
    if "teacher" in student.recipe:
        return f"{summary} It was trained on the utilities that a teacher, such as a language model, gave to passages."
    return f"{summary} It was made from another model and has not been trained."


def _provenance(student: Student, about: About) -> list[str]:
    recipe, data = student.recipe, student.recipe.get("data", {})
    lines = [
        f"Base: {inline(shown_name(student.base))}, fingerprint {inline(recipe.get('base_fingerprint', 'unknown'))}."
    ]
    if teacher := recipe.get("teacher"):
        lines.append(
            f"Teacher: {inline(teacher)}; the name holds its kind, its model and the fingerprint of its prompts."
        )
    if loss := recipe.get("loss"):
        lines.append(f"Loss: {inline(loss)}. {about.loss}".rstrip())
    if data:
        lines.append(f"Trained on {data['queries']:,} queries, fingerprint {inline(data['fingerprint'])}.")
        joined = inline(recipe.get("title_join", "sentence"))
        lines.append(f"Passages were read as title and text, joined by the setting title_join: {joined}.")
    if label_overrides := recipe.get("label_overrides"):
        lines.append(f"{label_overrides['verdicts']:,} verdicts of people replaced the teacher's utilities.")
    if "seed" in recipe:
        lines.append(f"Seed: {recipe['seed']}.")
    versions = ", ".join(f"{name} {number}" for name, number in recipe.get("versions", {}).items())
    return [
        *lines,
        f"Made {inline(str(recipe.get('created', 'at an unknown time')))} with {versions or 'unknown versions'}.",
    ]


def _measures(recipe: Mapping[str, Any], about: About) -> list[str]:
    paragraphs = []
    if outcome := recipe.get("outcome"):
        gain = outcome["dev_after"] - outcome["dev_before"]
        paragraphs.append(
            f"{outcome['measure']} on dev: {outcome['dev_before']:.3f} before, {outcome['dev_after']:.3f} after "
            f"({gain:+.3f}), best at step {outcome['best_step']:,} of {outcome['steps']:,}. The best step was "
            "chosen by this measure, which is therefore optimistic."
        )
        if outcome["best_step"] == 0:
            paragraphs.append("No step beat the base, so this student holds the base's weights.")
    paragraphs.append(table(about.measures) if about.measures else "It has not been evaluated on test.")
    return paragraphs


def _licences(student: Student) -> str:
    source = origin(student)
    base = inline(source["model"] or shown_name(student.base))
    weights = (
        f"The weights come from {base}, licensed as {inline(source['licence'])} according to its card."
        if source["licence"]
        else f"The weights come from {base}; their licence is not known here."
    )
    return (
        f"{weights} They were changed by training on a teacher's utilities for texts of a collection. The workspace "
        "does not know the licences of that collection and of the teacher: whoever passes this model on must check "
        "whether they allow it, and under which terms."
    )


def shown_name(name: str) -> str:
    """Return a model's name without the folders of the machine that it lay on."""
    return Path(name).name if Path(name).is_absolute() else name


def _licence(card: Path) -> str:
    from huggingface_hub import ModelCard

    if not card.is_file():
        return ""
    try:
        licence = ModelCard.load(card, ignore_metadata_errors=True).data.get("license")
    except (OSError, ValueError):
        return ""
    except Exception as error:  # of the YAML library, whichever that is
        if type(error).__module__.partition(".")[0] != "yaml":
            raise
        return ""
    return licence if isinstance(licence, str) else ""


def _without_front_matter(card: str) -> str:
    return re.sub(r"\A---\n.*?\n---\n", "\n", card, count=1, flags=re.DOTALL)
