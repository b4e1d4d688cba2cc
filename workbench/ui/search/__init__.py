"""The page Search: one query, several rankings side by side."""
