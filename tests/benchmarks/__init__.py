"""Benchmarks, run on demand (`make bench`); they print ratios measured side by side in one run."""
