"""Experiments on the gateway: its Redis is unavailable, slow, flapping, back at once, narrow."""
