"""Rankings of a split: by a retriever, or by a teacher of what a run has first."""
