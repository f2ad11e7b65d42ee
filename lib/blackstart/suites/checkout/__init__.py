"""Experiments on a checkout: sessions that must be opened, and paid, exactly once, whatever fails on the way."""
