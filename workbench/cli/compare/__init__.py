"""Commands that measure and compare: evaluate, diff, students, agreement, cases."""
