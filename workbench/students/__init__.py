"""Students: retrievers on disk, what their names stand for and how they were made."""

from workbench.hub import MINILM
from workbench.students.checksums import CHECKSUMS, changed_files
from workbench.students.names import BM25, find, is_same_model
from workbench.students.saving import save
from workbench.students.student import INDEX, LONGEST_SLUG, RECIPE, Student, load, read, recipes, slug, trained

__all__ = [
    "BM25",
    "CHECKSUMS",
    "INDEX",
    "LONGEST_SLUG",
    "MINILM",
    "RECIPE",
    "Student",
    "changed_files",
    "find",
    "is_same_model",
    "load",
    "read",
    "recipes",
    "save",
    "slug",
    "trained",
]
