"""Continuous sampling: each endpoint at its pace, all of them in one thread."""
