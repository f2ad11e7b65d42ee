"""The parts of `benchmarks/drills.py`, one figure a file."""
