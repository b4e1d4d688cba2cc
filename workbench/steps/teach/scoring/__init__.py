"""Scoring: a teacher is asked for utilities; how long that takes, what a server will be asked for, what came of it."""
