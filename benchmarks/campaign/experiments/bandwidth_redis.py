"""A Redis is hit by bandwidth; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.bandwidth import Bandwidth

experiment = redis_hit_by("bandwidth-redis", Bandwidth("redis", 1))
