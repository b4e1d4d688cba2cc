"""Retrieval: texts to vectors to the nearest passages, by one protocol."""
