"""Probes: one file, one source of readings."""
