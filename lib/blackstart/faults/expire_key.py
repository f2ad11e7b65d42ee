"""Let one key of Redis be gone before its time, as one whose time has run out: a cache entry, a session, a lock."""

import re

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._redis import redis_server
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.redis_value import RedisCommand

# One script each: between two commands somebody else might write.
_AWAY = (
    "if redis.call('EXISTS', KEYS[1]) == 0 then return redis.error_reply('ERR no such key') end "
    "if redis.call('RENAMENX', KEYS[1], KEYS[2]) == 0 then return redis.error_reply('ERR kept already') end "
    "return redis.status_reply('OK')"
)
_BACK = (
    "if redis.call('EXISTS', KEYS[2]) == 1 and redis.call('RENAMENX', KEYS[2], KEYS[1]) == 0 "
    "then redis.call('DEL', KEYS[2]) end return redis.status_reply('OK')"
)


@plain("fault.expire_key")
class ExpireKey:
    """The key is renamed, with its value and the time that it has left, to `blackstart:expired:{key}`, which nobody
    asks for. It bites when it is there under that name, at which moment it was gone under its own.

    The undo gives it back under its own name, unless somebody has written that anew meanwhile: then the new value
    stays, and the old one is dropped. If its time has run out meanwhile, it stays gone. The value never leaves Redis.
    """

    key: str
    service: str = "redis"

    def __post_init__(self) -> None:
        if not self.key:
            raise ValueError("key must not be empty")

    @property
    def kept(self) -> str:
        """What it is called meanwhile: in the same slot of a cluster."""
        return f"blackstart:expired:{self.key if '{' in self.key else '{' + self.key + '}'}"

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where there is no such key, or where one is still kept."""
        server = redis_server(target, self.service)
        if server.asked("EXISTS", self.kept):
            raise Refused(
                f'{self.service} still keeps a "{self.key}" of another drill, under {self.kept}: give it back '
                "(RENAMENX) or delete it first"
            )
        if not server.asked("EXISTS", self.key):
            raise Refused(f'{self.service} has no key "{self.key}" now, and only one that is there can expire')
        name = re.sub(r"\W+", "_", f"{self.service}_kept_{self.key}")
        kept = RedisCommand(("EXISTS", self.kept), self.service, name=name).bind(target)
        away = server.told(("EVAL", _AWAY, "2", self.key, self.kept))
        back = server.told(("EVAL", _BACK, "2", self.key, self.kept))
        return (server.change(self.describe(), away, back, (kept.is_(1),), (kept.is_(0),)),)

    def describe(self) -> str:
        """As in "expire session:7 in redis"."""
        return f"expire {self.key} in {self.service}"
