"""Benchmarks, methods and scores: what a run is worth on held-out questions."""
