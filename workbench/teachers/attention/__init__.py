"""The attention teacher: in-context re-ranking by what a causal language model attends to while it reads a query."""
