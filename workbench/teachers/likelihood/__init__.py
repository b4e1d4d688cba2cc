"""The likelihood teacher: a causal language model scores the reference answer with and without a passage."""
