"""What the faults of Redis share: the server behind a service's dsn, asked before anything is touched, and told."""

from dataclasses import dataclass
from typing import Any

from blackstart.base.errors import Refused
from blackstart.faults._store_step import tell, words
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.protocols import read_redis
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes.redis_ping import redis_dsn

_WITHIN_S = 5.0
_UNPAUSES = (6, 2)


@dataclass(frozen=True)
class RedisServer:
    """One server, by the service of the target that it is. `dsn` may be `env:NAME`."""

    name: str
    dsn: str

    def asked(self, *command: str) -> Any:
        """The reply to a command that only reads. Raises Refused where there is none."""
        import redis  # noqa: PLC0415  (declarations load no client)

        arguments = read_redis(self.dsn).client_arguments()
        client: Any = redis.Redis(
            **arguments, protocol=2, socket_timeout=_WITHIN_S, socket_connect_timeout=_WITHIN_S, decode_responses=True
        )
        try:
            return client.execute_command(*command)
        except (redis.RedisError, OSError) as error:
            raise Refused(f"{self.name} can't be asked ({command[0]}: {error}), so nothing is done to it") from error
        finally:
            client.close()

    def told(self, *commands: tuple[str, ...], within_s: float = _WITHIN_S) -> Command:
        """The step of these commands, in order, each of which must be answered OK. Raises Refused for what can't be
        written in a line."""
        try:
            return tell("redis", self.dsn, [words(*command) for command in commands], within_s)
        except ValueError as error:
            raise Refused(f"{self.name}: {error}") from error

    def change(
        self, what: str, do: Command, undo: Command, bites: tuple[Condition, ...], gone: tuple[Condition, ...]
    ) -> Change:
        """A change of the server, whose undo does nothing to one that is as it was."""
        return Change(what, self.name, (do,), (undo,), bites, gone, undo_is_noop=True)


def redis_server(target: Target, name: str) -> RedisServer:
    """The target's Redis of that name. Raises Refused where it is a replica, or too old for what its faults need."""
    server = RedisServer(name, redis_dsn(target.service(name)))
    about = {**server.asked("INFO", "server"), **server.asked("INFO", "replication")}
    if about.get("role") != "master":
        raise Refused(f"{name} is a replica, which takes no writes of its clients: name its master")
    version = str(about.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2]) < _UNPAUSES:
        raise Refused(f"{name} is Redis {version}; what is done to it can be taken back from 6.2 on")
    return server
