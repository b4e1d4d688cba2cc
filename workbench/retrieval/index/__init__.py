"""What is searched: vectors, exactly, in memory or from disk, or approximately by faiss; words, by postings."""
