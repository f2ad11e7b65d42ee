"""Experiments on the gateway: its Redis is unavailable, slow, flapping, back at once, narrow."""

# The order of the plan, C-01 to C-05, after a run without a fault.
ORDER = ("baseline", "redis-unavailable", "redis-latency", "redis-flapping", "thundering-herd", "redis-bandwidth")
