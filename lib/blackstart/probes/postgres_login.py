"""Whether PostgreSQL lets one more in: a login for each read, since a connection that is kept is never refused."""

from dataclasses import replace
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import Redactor
from blackstart.model.protocols import read_postgres
from blackstart.model.reading import Answer, Reader
from blackstart.model.target import Target
from blackstart.probes.mixed_in import AsAnswered
from blackstart.probes.postgres_errors import is_full
from blackstart.probes.sql import MAX_BYTES, postgres_dsn
from blackstart.probes.visitor import HoldsNothing

LET_IN, FULL = "let in", "full"


class _LoginReader(HoldsNothing):
    def __init__(self, dsn: str) -> None:
        from blackstart.probes.sql_reader import SqlReader  # noqa: PLC0415  (declarations load no client)

        self._reader = SqlReader(read_postgres(dsn), "SELECT 1", MAX_BYTES)

    def read(self, timeout_s: float) -> Answer:
        try:
            answer = self._reader.read(timeout_s)
        finally:
            self._reader.close()
        if answer.kind == "answer":
            return Answer("answer", LET_IN)
        return Answer("answer", FULL, note=answer.note) if is_full(answer.note) else answer


@plain("endpoint.postgres_login")
class PostgresLoggedIn:
    """A connection that is opened, asked one thing and closed. `dsn` may be `env:NAME`."""

    dsn: str
    # Each read makes the server start a process, and one that is refused stands in its log.
    least_tick_s: ClassVar[float] = 0.2
    loads: ClassVar[tuple[str, ...]] = ("blackstart.probes.sql_reader",)

    def open(self) -> Reader:
        """A reader; it holds nothing between reads. Raises BadTarget for a missing variable."""
        return _LoginReader(self.dsn)

    def describe(self) -> str:
        """The dsn, without the password."""
        return Redactor()(f"log in to {self.dsn}")


@plain("probe.postgres_login")
class PostgresLogin(AsAnswered):
    """`let in`, or `full` where all connections that there may be are taken, which is told by the server's English
    words."""

    service: str = "postgres"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"login to {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or postgres_dsn(target, self.service))

    def endpoint(self) -> PostgresLoggedIn:
        """The login."""
        return PostgresLoggedIn(self.dsn)
