"""What Redis holds and says of itself: a key, a field of INFO, the number of its clients, any reading command."""

from dataclasses import replace
from typing import Any, ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import Redactor
from blackstart.base.sockets import NoAnswer, tls_failure
from blackstart.base.urls.redis import RedisUrl
from blackstart.model.expect import Conditions
from blackstart.model.protocols import read_redis
from blackstart.model.reading import Answer, Picked, Reader
from blackstart.model.target import Target
from blackstart.probes import resp
from blackstart.probes.hard_cap import CappedReader
from blackstart.probes.redis_ping import redis_dsn
from blackstart.probes.redis_plain import PlainReader, is_plain

# A probe never changes what it looks at.
READING_COMMANDS = frozenset((
    "BITCOUNT", "CLIENT LIST", "DBSIZE", "EXISTS", "GET", "HEXISTS", "HGET", "HGETALL", "HLEN", "INFO", "LINDEX",
    "LLEN", "LRANGE", "MEMORY USAGE", "PING", "PTTL", "ROLE", "SCARD", "SISMEMBER", "SLOWLOG LEN", "SMEMBERS",
    "STRLEN", "TTL", "TYPE", "XINFO CONSUMERS", "XINFO GROUPS", "XINFO STREAM", "XLEN", "XPENDING", "XRANGE",
    "ZCARD", "ZCOUNT", "ZRANGE", "ZSCORE",
))  # fmt: skip


def is_reading(command: tuple[str, ...]) -> bool:
    """Whether a command is known to change nothing."""
    words = [word.upper() for word in command[:2]]
    return bool(words) and (words[0] in READING_COMMANDS or " ".join(words) in READING_COMMANDS)


class _RedisReader(CappedReader):
    def __init__(self, redis: RedisUrl, command: tuple[str, ...]) -> None:
        super().__init__("Redis")
        self._redis = redis
        self._tls = redis.context()
        self._command = command
        self._timeout_s = 0.0

    def _ask(self, timeout_s: float) -> Any:
        import redis  # noqa: PLC0415  (declarations load no client)

        try:
            # CLIENT LIST and others have two words, which the library knows as one command.
            name = " ".join(self._command[:2]) if self._command[0].upper() in ("CLIENT", "XINFO", "MEMORY") else ""
            words = (name, *self._command[2:]) if name else self._command
            return self._open(timeout_s).execute_command(*words)
        except redis.TimeoutError as error:
            raise NoAnswer("timed_out", str(error)) from error
        except (redis.ResponseError, redis.AuthenticationError) as error:
            # The library takes the code off the text, and tells it apart where it knows it.
            raise resp.refusal(f"{getattr(error, 'status_code', None) or ''} {error}".strip()) from error
        except (redis.ConnectionError, OSError) as error:
            raise tls_failure(error, self._tls) or NoAnswer("unreachable", str(error)) from error
        except (redis.RedisError, ValueError) as error:
            raise NoAnswer("malformed", f"{type(error).__name__}: {error}") from error

    def _open(self, timeout_s: float) -> Any:
        import redis  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        if self._client is None or self._timeout_s != timeout_s:
            self.close()
            self._client = redis.Redis(
                **self._redis.client_arguments(),
                protocol=2,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                # A connection that was closed while idle is opened again, once; a failure is a reading.
                retry=Retry(NoBackoff(), 1),
            )
            self._timeout_s = timeout_s
        return self._client


@plain("endpoint.redis_command")
class RedisCommandEndpoint:
    """One reading command. `dsn` may be `env:NAME`."""

    dsn: str
    command: tuple[str, ...]
    least_tick_s: ClassVar[float] = 0.05

    def open(self) -> Reader:
        """A reader that keeps its connection. Raises BadTarget for a missing variable."""
        redis = read_redis(self.dsn)
        return PlainReader(redis, self.command) if is_plain(self.command) else _RedisReader(redis, self.command)

    def describe(self) -> str:
        """`GET trader:leader redis://localhost:6379/0`, without the password."""
        return Redactor()(f"{' '.join(self.command)} {self.dsn}")


@plain("probe.redis_command")
class RedisCommand(Conditions):
    """The reply to a command that only reads: text or a number; `field` picks from INFO and hashes.

    What does not exist (a missing key or field) is `absent`; use EXISTS where that is the question. Of a list it is the
    length with `count`, and unreadable without; of a list of entries (CLIENT LIST) the `field` of each, with blanks
    between them.
    """

    command: tuple[str, ...]
    service: str = "redis"
    field: str = ""
    count: bool = False
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        if not is_reading(self.command):
            raise ValueError(f"{' '.join(self.command)!r} is not a command that only reads")
        words = " ".join((*self.command, self.field)).strip()
        object.__setattr__(self, "name", self.name or f"{words} in {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or redis_dsn(target.service(self.service)))

    def endpoint(self) -> RedisCommandEndpoint:
        """The command."""
        return RedisCommandEndpoint(self.dsn, self.command)

    def pick(self, answer: Answer) -> Picked:
        """The reply, or the field of it."""
        reply = answer.body
        if self.field and isinstance(reply, dict):
            reply = reply.get(self.field, reply.get(self.field.encode()))
        if self.field and isinstance(reply, list) and all(isinstance(entry, dict) for entry in reply):
            return "value", " ".join(str(entry.get(self.field, "")) for entry in reply), ""
        if self.count and isinstance(reply, list | tuple | dict | set):
            return "value", len(reply), ""
        if reply is None:
            return "absent", None, f"no {self.field or ' '.join(self.command)}"
        if isinstance(reply, bytes):
            return "value", reply.decode("utf-8", "replace"), ""
        if isinstance(reply, str | int | float | bool):
            return "value", reply, ""
        return "unreadable", None, f"the reply is a {type(reply).__name__}, not a single value"
