"""The health of a teacher: whether its utilities are worth learning from."""
