"""Projections: queries and passages in two dimensions, on the axes of one student or two."""
