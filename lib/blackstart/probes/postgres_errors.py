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
_FULL = ("too many", "connection slots", "no more connections allowed")
# It is coming, going, or full; the last line is what PgBouncer says of a server that it can't reach.
_NOT_NOW = (
    "starting up", "shutting down", "recovery", "not yet accepting", "not accepting", "terminating connection", *_FULL,
    "login has been failing", "cannot connect to server", "server down", "query_wait_timeout",
)  # fmt: skip
# What is quoted is a name, and may be called as anything is: a database, a user, a file.
_QUOTED = re.compile(r'"[^"\n]*"|«[^»\n]*»')
# A server's severity may be in any language; libpq puts two blanks behind it.
_CODED = re.compile(r"^\s*(?:psql:.*? )?\S+: +(?=[A-Z]*[0-9])([0-9A-Z]{5}): (.*)", re.MULTILINE)
_REFUSED = re.compile(r"^\S+:  ", re.MULTILINE)
_PLACE = re.compile(r"(?:psql: (?:error: )?)?(?:connection to server\b.*? failed: |could not connect to server: )?")
_PRINTED = re.compile(
    r"^ *(?:psql: (?:error: )?\S+:  |(?:psql: .*)?(?:connection|could not connect) to server)", re.MULTILINE
)
# What libpq itself can't agree to: a password that is missing, whom it trusts, TLS that the server doesn't have, an
# option whose value is none.
_NOT_AGREED = re.compile(
    "fe_sendauth|certificate|private key|does not support SSL|SSL error: (?!unexpected eof)|authentication|"
    "channel binding|libpq version|no pg_hba.conf entry|^invalid |^weak sslmode|^definition of service|"
    "GSSAPI encryption",
    re.MULTILINE,
)


def is_full(message: str) -> bool:
    """Whether a connection was refused because all that there may be are taken (53300), by libpq's message."""
    said = _QUOTED.sub("", message)
    return any(words in said for words in _FULL)


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
    # A host may be called as anything is, too.
    said = "\n".join(_QUOTED.sub("", _PLACE.sub("", line.strip(), count=1)) for line in message.splitlines())
    # A server that answers and doesn't let us in is not an outage; one that can't take us now is.
    refused = _REFUSED.search(said) and not any(word in said for word in _NOT_NOW)
    return NoAnswer("unreadable" if refused or _NOT_AGREED.search(said) else "unreachable", text)


def printed(text: str) -> NoAnswer | None:
    """What `psql` has printed of an error (with VERBOSITY=verbose), or None where it is nothing of PostgreSQL."""
    coded = _CODED.findall(text)
    if coded:
        return refusal(*coded[-1])  # before an error there may be notices
    told = _PRINTED.search(text)
    return no_connection(text[told.start() :]) if told else None
