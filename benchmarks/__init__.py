"""Benchmarks with a peer in the same run; ``python -m benchmarks [parse|hops]`` writes build/bench.json."""
