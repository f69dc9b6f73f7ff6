"""Figures, each with a peer measured in the same run; ``python -m benchmarks [parse|hops]`` writes build/bench.json."""
