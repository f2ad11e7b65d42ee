"""What the faults of PostgreSQL share: the server behind a service's dsn, asked before anything is touched."""

import re
from dataclasses import dataclass
from typing import Any

from blackstart.base.errors import Refused
from blackstart.base.urls.postgres import APPLICATION_NAME
from blackstart.model import protocols
from blackstart.model.target import Service, Target
from blackstart.probes.sql import MAX_BYTES, postgres_dsn

_WITHIN_S = 5.0


@dataclass(frozen=True)
class PostgresServer:
    """One server, by the service of the target that it is. `dsn` may be `env:NAME`."""

    service: Service
    dsn: str
    target: str

    @property
    def mark(self) -> str:
        """The application_name of our sessions there."""
        return re.sub(r"[^A-Za-z0-9_./:-]+", "_", f"{APPLICATION_NAME}:{self.target}/{self.service.name}")[:63]

    @property
    def host(self) -> str:
        """Where it is."""
        return protocols.places_of(self.service)[0].host

    @property
    def user(self) -> str:
        """Who we are there."""
        return protocols.user_of(self.service)

    def asked(self, query: str) -> dict[str, Any]:
        """The one row of a query. Raises Refused where there is no answer."""
        from blackstart.probes.sql_reader import SqlReader  # noqa: PLC0415  (declarations load no client)

        reader = SqlReader(protocols.read_postgres(self.dsn), query, MAX_BYTES)
        try:
            answer = reader.read(_WITHIN_S)
        finally:
            reader.close()
        if answer.kind != "answer" or not answer.body:
            why = answer.note or answer.kind
            raise Refused(f"{self.service.name} can't be asked ({why}), and only what answers can be broken")
        row: dict[str, Any] = answer.body[0]
        return row


def postgres_server(target: Target, name: str) -> PostgresServer:
    """The target's PostgreSQL of that name. Raises BadTarget where it has no dsn, or one that leads to several."""
    service = target.service(name)
    dsn = postgres_dsn(target, name)
    protocols.address_of(service)
    return PostgresServer(service, dsn, target.name)


def literal(text: str) -> str:
    """A text as it stands in SQL."""
    return "'" + text.replace("'", "''") + "'"
