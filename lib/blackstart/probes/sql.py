"""What a PostgreSQL database holds: the value of a query, or its rows. Reads are read-only and end in time."""

import json
from dataclasses import replace
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget
from blackstart.base.secrets.redact import Redactor
from blackstart.model.expect import Conditions
from blackstart.model.protocols import called, read_postgres
from blackstart.model.reading import Answer, Picked, Reader
from blackstart.model.target import Target

MAX_BYTES = 16 * 1024 * 1024


def postgres_dsn(target: Target, service: str) -> str:
    """The service's dsn (`postgresql://...` or `env:NAME`). Raises BadTarget where it has none or a wrong one."""
    dsn = target.service(service).dsn
    if not dsn:
        raise BadTarget(f'target "{target.name}": service "{service}" has no dsn, as in dsn = "env:DATABASE_URL"')
    read_postgres(dsn, called(target.service(service)))
    return dsn


@plain("endpoint.sql")
class SqlQuery:
    """One query. `dsn` may be `env:NAME`. It runs read-only, so that a probe can't change what it looks at."""

    dsn: str
    query: str
    max_bytes: int = MAX_BYTES
    least_tick_s: ClassVar[float] = 0.05
    loads: ClassVar[tuple[str, ...]] = ("blackstart.probes.sql_reader",)

    def open(self) -> Reader:
        """A reader that keeps its connection. Raises BadTarget for a missing variable."""
        from blackstart.probes.sql_reader import SqlReader  # noqa: PLC0415  (declarations load no client)

        return SqlReader(read_postgres(self.dsn), self.query, self.max_bytes)

    def describe(self) -> str:
        """The query and the dsn, without the password."""
        return Redactor()(f"{self.query} on {self.dsn}")


class _Queried(Conditions):
    """Mixed into both probes: `dsn` becomes that of the target's service."""

    query: str
    service: str
    dsn: str

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or postgres_dsn(target, self.service))  # type: ignore[type-var]

    def endpoint(self) -> SqlQuery:
        """The query."""
        return SqlQuery(self.dsn, self.query)


@plain("probe.sql_scalar")
class SqlScalar(_Queried):
    """The one value that a query gives. No row, or NULL, is `absent`; more than one row or column is unreadable."""

    query: str
    service: str = "postgres"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"{self.query} in {self.service}")

    def pick(self, answer: Answer) -> Picked:
        """The value."""
        rows = answer.body
        if not rows:
            return "absent", None, "no row"
        if len(rows) > 1 or len(rows[0]) != 1:
            return "unreadable", None, f"{len(rows)} rows of {len(rows[0])} columns, not a single value"
        value = next(iter(rows[0].values()))
        return ("absent", None, "NULL") if value is None else ("value", value, "")


@plain("probe.sql_rows")
class SqlRows(_Queried):
    """All rows of a query as JSON text, a list of objects, for final states that a check reads."""

    query: str
    service: str = "postgres"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"rows of {self.query} in {self.service}")

    def pick(self, answer: Answer) -> Picked:
        """The rows; none of them is an empty list, which is a value."""
        return "value", json.dumps(answer.body, separators=(",", ":"), ensure_ascii=False), ""
