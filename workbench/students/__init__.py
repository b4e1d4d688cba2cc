"""Students: retrievers on disk, what their names stand for and how they were made."""

from workbench.students.names import BM25, find
from workbench.students.saving import save
from workbench.students.student import INDEX, RECIPE, Student, load, read, slug, trained
from workbench.students.weights import MINILM

__all__ = ["BM25", "INDEX", "MINILM", "RECIPE", "Student", "find", "load", "read", "save", "slug", "trained"]
