"""Benchmarks: instances of the literature and generated days, other solvers beside ours, one judge."""
