"""Passages and cards as escaped HTML, drawn once for pages and report."""
