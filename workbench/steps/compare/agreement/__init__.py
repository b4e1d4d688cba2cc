"""How far students agree with a teacher: over a split, over the queries of a pool, and on one query."""
