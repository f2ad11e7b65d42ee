"""Let Redis pause its clients: it takes their commands and answers none of them, as in a failover (CLIENT PAUSE)."""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.faults._redis import redis_server
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.redis_writes import TAKEN, RedisWrites

# A frozen server is told by two reads of 2 s each; a guardian gives an undo 30 s.
_LEAST_S, _MOST_S = 5.0, {"write": 600.0, "all": 25.0}


@plain("fault.client_pause")
class ClientPause:
    """For `pause_s` seconds at most, then Redis goes on by itself. It bites when an answer is timed out: to any write,
    or to any command.

    `write` pauses what writes, and ends with the undo (CLIENT UNPAUSE). `all` pauses every command, also that one: it
    ends when its time is over, for which the undo waits.
    """

    service: str
    pause_s: float
    mode: Literal["write", "all"] = "write"

    def __post_init__(self) -> None:
        if self.mode not in _MOST_S:
            raise ValueError(f"mode must be write or all, not {self.mode!r}")
        if isinstance(self.pause_s, bool) or not _LEAST_S <= self.pause_s <= _MOST_S[self.mode]:
            raise ValueError(f"pause_s must be from {_LEAST_S:g} to {_MOST_S[self.mode]:g}, not {self.pause_s}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where Redis is a replica, can't be asked, or can't be told to go on."""
        server = redis_server(target, self.service)
        pause = server.told(("CLIENT", "PAUSE", str(round(self.pause_s * 1000)), self.mode.upper()))
        go_on = server.told(("CLIENT", "UNPAUSE"), within_s=self.pause_s + 5 if self.mode == "all" else 5.0)
        writes = RedisWrites(self.service, f"{self.service}_writes").bind(target)
        answer = RedisPing(self.service, f"{self.service}_answer").bind(target)
        up, gone = answer.is_("PONG"), (answer.is_("PONG"), writes.is_(TAKEN))
        bites = (writes.timed_out(), up) if self.mode == "write" else (answer.timed_out(),)
        return (server.change(self.describe(), pause, go_on, bites, gone),)

    def describe(self) -> str:
        """As in "pause the writes of redis's clients for 30 s"."""
        return f"pause {'the writes' if self.mode == 'write' else 'all commands'} of {self.service}'s clients " + (
            f"for {self.pause_s:g} s"
        )
