"""Whether Redis takes writes, asked by one that changes nothing: an empty text is written into a key that is not there,
which makes no key (SETRANGE)."""

from dataclasses import replace
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import Redactor
from blackstart.model.protocols import read_redis
from blackstart.model.reading import Answer, Reader
from blackstart.model.target import Target
from blackstart.probes.mixed_in import AsAnswered
from blackstart.probes.redis_ping import redis_dsn
from blackstart.probes.redis_plain import PlainReader

TAKEN = "taken"
_ASKED = ("SETRANGE", "blackstart:takes-writes", "0", "")


class _WritesReader:
    def __init__(self, dsn: str) -> None:
        self._plain = PlainReader(read_redis(dsn), _ASKED)

    def read(self, timeout_s: float) -> Answer:
        answer = self._plain.read(timeout_s)
        if answer.kind == "answer":
            return Answer("answer", TAKEN)
        code = answer.note.partition(" ")[0]
        # What the server can't do now is its answer here; every other refusal has the one who asks to thank.
        return Answer("answer", code, note=answer.note) if answer.kind == "malformed" and code.isupper() else answer

    def close(self) -> None:
        self._plain.close()


@plain("endpoint.redis_writes")
class RedisWriteTried:
    """A write that changes nothing, over a kept connection. `dsn` may be `env:NAME`."""

    dsn: str
    least_tick_s: ClassVar[float] = 0.05

    def open(self) -> Reader:
        """A reader. Raises BadTarget for a dsn that is none or a missing variable."""
        return _WritesReader(self.dsn)

    def describe(self) -> str:
        """The dsn, without the password."""
        return Redactor()(f"an empty write to {self.dsn}")


@plain("probe.redis_writes")
class RedisWrites(AsAnswered):
    """`taken`, or the code by which Redis refuses every write now (`OOM`, `READONLY`, `MISCONF`); timed out where
    writes are paused."""

    service: str = "redis"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"writes to {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or redis_dsn(target.service(self.service)))

    def endpoint(self) -> RedisWriteTried:
        """The write."""
        return RedisWriteTried(self.dsn)
