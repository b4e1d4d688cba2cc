"""Rows as files: the forms that every export has, and the columns of its tables."""
