"""Questions asked of projections: which texts are drawn, in which colour, and which lie in an area."""
