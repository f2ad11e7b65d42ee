"""Mending: one change, all that dead runs left, and by hand."""
