"""The parts of the page Utility."""
