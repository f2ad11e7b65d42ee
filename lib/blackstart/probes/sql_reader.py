"""Reads PostgreSQL through libpq's non-blocking calls (psycopg's own `pq` module).

Every blocking call can outlast a limit when the server is frozen: connecting, cancelling, even closing. Reads are
read-only and leave no session setting behind.
"""

import select

from psycopg import OperationalError, pq
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn, PGresult

from blackstart.base.sockets import Deadline, NoAnswer, resolve
from blackstart.base.urls.parts import Place
from blackstart.base.urls.postgres import APPLICATION_NAME, PostgresUrl
from blackstart.model.reading import Answer, Scalar
from blackstart.probes.postgres_errors import GONE, no_connection, refusal
from blackstart.probes.read import whole_number

Row = dict[str, Scalar]

_COPIES = (pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_BOTH)
_ROW_BYTES = 100  # what an empty row costs in memory, at least
_BOOL, _INTEGERS, _FLOATS, _NUMERIC = 16, (20, 21, 23, 26), (700, 701), 1700


class _Broken(Exception):
    """The connection was lost before the query had a result; on a kept one that may be an old story."""


class SqlReader:
    """Asks one query over a connection that is kept, of the first of its servers that takes it."""

    def __init__(self, server: PostgresUrl, query: str, max_bytes: int) -> None:
        self._server = server
        self._query = query
        self._max_bytes = max_bytes
        self._conn: PGconn | None = None

    def read(self, timeout_s: float) -> Answer:
        """All rows, as dicts by column, within `timeout_s`, connecting included."""
        deadline = Deadline(timeout_s)
        try:
            return Answer("answer", self._rows(deadline, timeout_s))
        except NoAnswer as failure:
            self.close()
            return Answer(failure.kind, note=failure.note)

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.finish()

    def _rows(self, deadline: Deadline, timeout_s: float) -> list[Row]:
        if self._conn is not None:
            try:
                return self._ask(self._conn, deadline, timeout_s)
            except _Broken:
                self.close()
        try:
            return self._ask(self._open(deadline), deadline, timeout_s)
        except _Broken as error:
            raise NoAnswer("unreachable", str(error)) from error

    def _open(self, deadline: Deadline) -> PGconn:
        conn = self._conn = pq.PGconn.connect_start(_conninfo(self._server, deadline))
        waits = {pq.PollingStatus.READING: select.POLLIN, pq.PollingStatus.WRITING: select.POLLOUT}
        status = pq.PollingStatus.WRITING
        while status != pq.PollingStatus.OK:
            if conn.status == pq.ConnStatus.BAD or status not in waits:
                raise no_connection(conn.get_error_message())
            _wait(conn, waits[status], deadline)
            status = pq.PollingStatus(conn.connect_poll())
        conn.nonblocking = 1
        return conn

    def _ask(self, conn: PGconn, deadline: Deadline, timeout_s: float) -> list[Row]:
        # One transaction by itself: nothing is left behind, also not in a pooler's connection.
        limit_ms = max(1, int(timeout_s * 1000))
        prefix = f"SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = {limit_ms}; "
        try:
            conn.send_query((prefix + self._query).encode())
            conn.set_single_row_mode()
            while conn.flush():
                _wait(conn, select.POLLOUT, deadline)
            return self._collect(conn, deadline)
        except OperationalError as error:
            raise _Broken(_first_line(str(error))) from error

    def _collect(self, conn: PGconn, deadline: Deadline) -> list[Row]:
        rows: list[Row] = []
        size = 0
        failure: NoAnswer | _Broken | None = None
        while True:
            while conn.is_busy():
                _wait(conn, select.POLLIN, deadline)
                conn.consume_input()
            result = conn.get_result()
            if result is None:
                break
            if result.status == pq.ExecStatus.SINGLE_TUPLE:
                size += _ROW_BYTES + sum(len(result.get_value(0, column) or b"") for column in range(result.nfields))
                if size > self._max_bytes:
                    raise NoAnswer("unreadable", f"answer larger than {self._max_bytes} bytes")
                rows.append(_row(result))
            elif result.status in _COPIES:  # it would not end before we have taken part in it
                raise NoAnswer("unreadable", "COPY gives no rows: write a query that does")
            elif result.status not in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
                failure = failure or _failure(result)
        if failure is not None:
            raise failure
        return rows


def _wait(conn: PGconn, event: int, deadline: Deadline) -> None:
    poll = select.poll()
    poll.register(conn.socket, event)
    if not poll.poll(deadline.left_s() * 1000):
        raise deadline.passed()


def _conninfo(server: PostgresUrl, deadline: Deadline) -> bytes:
    """The dsn with an address for each of its hosts: libpq's own lookup would know no time limit, and what the dsn
    leaves out it would take from the environment."""
    found: list[tuple[str, str, str]] = []
    failures: list[NoAnswer] = []
    for place in server.places:
        try:
            found += _addresses(place, deadline)
        except NoAnswer as failure:  # libpq goes on to the next
            failures.append(failure)
    if not found:
        raise failures[0]
    hosts, addresses, ports = (",".join(column) for column in zip(*found, strict=True))
    told = {"host": hosts, "hostaddr": addresses, "port": ports, "application_name": APPLICATION_NAME}
    return make_conninfo(server.text, **told).encode()


def _addresses(place: Place, deadline: Deadline) -> list[tuple[str, str, str]]:
    port = str(place.port)
    if place.resolved or not place.on_network:
        return [(place.host, place.resolved, port)]
    return [(place.host, str(address[0]), port) for _, address in resolve(place.host, place.port, deadline)]


def _failure(result: PGresult) -> NoAnswer | _Broken:
    state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
    text = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode("utf-8", "replace")
    if not state or state.startswith(GONE):
        return _Broken(text or _first_line(result.get_error_message()))
    return refusal(state, text)


def _first_line(text: str) -> str:
    return text.strip().split("\n", maxsplit=1)[0]


def _row(result: PGresult) -> Row:
    row: Row = {}
    for column in range(result.nfields):
        name = (result.fname(column) or b"").decode("utf-8", "replace")
        row[name if name not in row else f"{name}_{column + 1}"] = _value(result, column)
    return row


def _value(result: PGresult, column: int) -> Scalar:
    raw, kind = result.get_value(0, column), result.ftype(column)
    if raw is None:
        return None
    if kind == _BOOL:
        return raw == b"t"
    if kind in _INTEGERS or (kind == _NUMERIC and raw.lstrip(b"-").isdigit()):
        return whole_number(raw)
    if kind in _FLOATS or kind == _NUMERIC:
        return float(raw)
    return raw.decode("utf-8", "replace")
