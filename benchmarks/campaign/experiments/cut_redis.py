"""A Redis is cut off; it must answer again by itself when that is undone."""

from benchmarks.campaign.drill import redis_hit_by

from blackstart.faults.cut import Cut

experiment = redis_hit_by("cut-redis", Cut("redis"))
