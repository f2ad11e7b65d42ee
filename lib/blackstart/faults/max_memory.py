"""Let Redis reach its memory limit: it refuses every write that needs memory (OOM), and goes on answering reads."""

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._redis import RedisServer, redis_server
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.redis_value import RedisCommand
from blackstart.probes.redis_writes import TAKEN, RedisWrites

_LIMIT, _POLICY, _CLIENTS = "maxmemory", "maxmemory-policy", "maxmemory-clients"
_REFUSES = "noeviction"


@plain("fault.max_memory")
class MaxMemory:
    """`maxmemory` is set to half of what Redis uses, with the policy `noeviction`; the undo gives both back as they
    were. It bites when writes are refused with OOM.

    Under a policy that evicts, Redis would throw keys away instead, which nobody could bring back: so the policy is
    changed before the limit and given back after it, in one step that stops where it fails. Nothing is written to a
    file: a restart forgets it.
    """

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the former values can't be read back, or where keys or clients would be
        lost."""
        server = redis_server(target, self.service)
        former = self._former(server)
        used = int(server.asked("INFO", "memory")["used_memory"])
        writes = RedisWrites(self.service, f"{self.service}_writes").bind(target)
        info = ("INFO", "memory")
        limit = RedisCommand(info, self.service, "maxmemory", name=f"{self.service}_maxmemory").bind(target)
        policy = RedisCommand(info, self.service, "maxmemory_policy", name=f"{self.service}_policy").bind(target)
        change = server.change(
            self.describe(),
            server.told(("CONFIG", "SET", _POLICY, _REFUSES), ("CONFIG", "SET", _LIMIT, str(max(1, used // 2)))),
            server.told(("CONFIG", "SET", _LIMIT, former[_LIMIT]), ("CONFIG", "SET", _POLICY, former[_POLICY])),
            (writes.is_("OOM"),),
            (writes.is_(TAKEN), limit.is_(int(former[_LIMIT])), policy.is_(former[_POLICY])),
        )
        return (change,)

    def _former(self, server: RedisServer) -> dict[str, str]:
        found = server.asked("CONFIG", "GET", f"{_LIMIT}*")
        former = dict(zip(found[::2], found[1::2], strict=True)) if isinstance(found, list) else dict(found)
        missing = [name for name in (_LIMIT, _POLICY) if not former.get(name)]
        if missing:
            raise Refused(f"{self.service} does not tell its {' and '.join(missing)}: they could not be given back")
        if str(former.get(_CLIENTS, "0")).endswith("%"):
            raise Refused(
                f"{self.service} ends clients by a share of its memory limit ({_CLIENTS} {former[_CLIENTS]}): a lower "
                "limit would end them. Give it a size in bytes for the drill."
            )
        return former

    def describe(self) -> str:
        """As in "let redis reach its memory limit"."""
        return f"let {self.service} reach its memory limit"
