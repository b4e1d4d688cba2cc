"""How vectors are searched: exactly, in memory or from disk, or approximately by indexes of faiss."""
