"""Foreign text as HTML, for the pages: what `workbench.marking` says."""

from workbench.marking import answer_found, html, marked, terms

__all__ = ["answer_found", "html", "marked", "terms"]
