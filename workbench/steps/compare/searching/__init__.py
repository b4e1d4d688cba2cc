"""Search: one query, as each student ranks the passages for it and as a teacher orders the first ones."""
