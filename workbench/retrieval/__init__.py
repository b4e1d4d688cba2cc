"""Retrieval: texts to vectors, vectors to the nearest passages; dense, BM25 and exhaustive search by one protocol."""
