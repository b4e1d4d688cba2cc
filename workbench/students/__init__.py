"""Students: retrievers on disk, what their names stand for and how they were made."""

from workbench.hub import MINILM
from workbench.students.names import BM25, find
from workbench.students.saving import save
from workbench.students.student import INDEX, LONGEST_SLUG, RECIPE, Student, load, read, slug, trained

__all__ = [
    "BM25",
    "INDEX",
    "LONGEST_SLUG",
    "MINILM",
    "RECIPE",
    "Student",
    "find",
    "load",
    "read",
    "save",
    "slug",
    "trained",
]
