"""A Redis is hit by reset; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.reset import Reset

experiment = redis_hit_by("reset-redis", Reset("redis"))
