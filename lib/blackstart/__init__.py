"""Blackstart breaks a running system on purpose, watches it come back by itself, and leaves proof."""

__version__ = "0.1.0"
