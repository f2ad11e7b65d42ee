"""Processes told apart for certain: which one, in which namespace, alive or not, and what runs of a step."""
