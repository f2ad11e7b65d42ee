"""A Redis is hit by slow-close; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.slow_close import SlowClose

experiment = redis_hit_by("slow-close-redis", SlowClose("redis", 400))
