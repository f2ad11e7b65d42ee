"""Whose failure an error of PostgreSQL is: that of the server, or of the one who asks.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re

from blackstart.base.sockets import NoAnswer

# Administrator shutdown, crash shutdown, cannot connect now; and the connection exceptions.
GONE = ("57P01", "57P02", "57P03", "08")
QUERY_CANCELED = "57014"
# Classes of what the query or the login has wrong: a table that isn't there, a number that can't be made, no right.
_OURS = ("0A", "21", "22", "25", "28", "2F", "3D", "3F", "42", "54")
# It is coming, going, or full.
_NOT_NOW = ("starting up", "shutting down", "recovery", "not yet accepting", "terminating connection", "too many",
            "connection slots")  # fmt: skip
_CODED = re.compile(r"(?:ERROR|FATAL|PANIC): +([0-9A-Z]{5}): (.*)")


def refusal(state: str, text: str) -> NoAnswer:
    """What an error with that SQLSTATE comes to."""
    if state.startswith(GONE):
        return NoAnswer("unreachable", text)
    if state == QUERY_CANCELED:
        return NoAnswer("timed_out", text)
    return NoAnswer("unreadable" if state.startswith(_OURS) else "malformed", f"{state}: {text}")


def no_connection(message: str) -> NoAnswer:
    """Why there is no connection, from libpq's message."""
    text = message.strip().split("\n", maxsplit=1)[0]
    # A server that answers and doesn't let us in is not an outage; one that can't take us now is.
    refused = "FATAL" in message and not any(word in message for word in _NOT_NOW)
    return NoAnswer("unreadable" if refused else "unreachable", text)


def printed(text: str) -> NoAnswer | None:
    """What `psql` has printed of an error (with VERBOSITY=verbose), or None where it is nothing of PostgreSQL."""
    coded = _CODED.search(text)
    if coded is not None:
        return refusal(coded[1], coded[2])
    return no_connection(text) if "connection to server" in text or "could not connect to server" in text else None
