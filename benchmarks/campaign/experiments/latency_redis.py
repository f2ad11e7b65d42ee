"""A Redis is hit by latency; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.latency import Latency

experiment = redis_hit_by("latency-redis", Latency("redis", 300, 50))
