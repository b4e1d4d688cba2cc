"""Which queries train, choose and test: splits, what leaks between them, and near-duplicates."""
