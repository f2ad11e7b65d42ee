"""A Redis is hit by netem; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.netem import Netem

experiment = redis_hit_by("netem-redis", Netem("redis", 100))
