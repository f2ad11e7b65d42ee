"""Experiments on the trader."""

# The order of the original `make chaos-suite`.
ORDER = ("leader-lock", "rate-limit-spike", "postgres-blip")
