"""A Redis is hit by tbf; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.tbf import Tbf

experiment = redis_hit_by("tbf-redis", Tbf("redis", 100))
