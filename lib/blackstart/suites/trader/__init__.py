"""Experiments on the trader."""
