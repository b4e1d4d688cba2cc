"""The parts of the page Students."""
