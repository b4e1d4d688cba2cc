"""Answers of readers from a run's first passages: asking for them, and measuring them."""
