"""A Redis is hit by crash; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.crash import Crash

experiment = redis_hit_by("crash-redis", Crash("redis"))
