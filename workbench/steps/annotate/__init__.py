"""Steps with which people judge: annotate, guidelines, agreement of annotators."""
