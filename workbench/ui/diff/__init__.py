"""The parts of the page Diff."""
