"""A diff as one file that opens anywhere: no server, no network, no library."""

from workbench.report.page import Report, Shown, page, write

__all__ = ["Report", "Shown", "page", "write"]
