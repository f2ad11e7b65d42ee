"""Experiments on a shop of small services: its registry, its broker, its database and its inventories fail."""
