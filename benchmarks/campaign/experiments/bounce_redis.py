"""A Redis is hit by bounce; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.bounce import Bounce

experiment = redis_hit_by("bounce-redis", Bounce("redis", 1000))
