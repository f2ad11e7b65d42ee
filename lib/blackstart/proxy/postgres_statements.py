"""What a client of PostgreSQL asks to be carried out, as its messages tell it on the way to the server.

The protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html (Query, Parse, Bind, Execute).
"""

import re
from collections.abc import Iterator

OPERATIONS = ("select", "insert", "update", "delete", "commit")
Operations = frozenset[str]
NONE: Operations = frozenset()
_CHANGING = OPERATIONS[1:4]
_MOST_READ = 16 * 1024  # bytes of a message: what follows is its values, or more of a statement than anybody writes
_TYPED, _UNTYPED = 5, 4  # bytes of a head: the type of a message, where it has one, and its length
_PROTOCOL_3 = 3
# Texts, quoted names and comments hold no word of the language.
_OPENS = re.compile(r"""(?<![\w$])[eE]'|['"]|(?<![\w$])\$(?:[^\W\d]\w*)?\$|--|/\*""")
_CLOSES = {
    "'": re.compile(r"[^']*(?:''[^']*)*'(?!')"),
    '"': re.compile(r'[^"]*(?:""[^"]*)*"(?!")'),
    "e'": re.compile(r"[^'\\]*(?:(?:''|\\.)[^'\\]*)*'(?!')", re.DOTALL),
    "--": re.compile(r"[^\n\r]*"),
}
_COMMENT = re.compile(r"/\*|\*/")
_ENDS = {"end": "commit"}
_FIRST_WORD = re.compile(r"[\s(]*(\w+)")
_IN_A_WITH = re.compile(rf"[()]\s*({'|'.join(_CHANGING)})\b", re.IGNORECASE)


class Statements:
    """One connection, from its first byte on, in whatever pieces it comes. Of what is encrypted nothing is told."""

    def __init__(self) -> None:
        self._read = bytearray()  # of the message under way: its head, and what is read of the rest
        self._missing: int | None = None  # bytes that are still to come of it; None as long as its head is not whole
        self._started = False
        self._prepared: dict[bytes, Operations] = {}
        self._bound: dict[bytes, Operations] = {}

    def asked(self, piece: bytes) -> Iterator[tuple[int, Operations]]:
        """What the messages that end in this piece ask to be carried out, and where in it each begins: 0 where that was
        before."""
        begins = at = 0
        while at < len(piece):
            if self._missing is None:
                head = _TYPED if self._started else _UNTYPED
                more = piece[at : at + head - len(self._read)]
                self._read += more
                at += len(more)
                if len(self._read) < head:
                    return
                self._missing = max(0, int.from_bytes(self._read[-_UNTYPED:]) - _UNTYPED)
            more = piece[at : at + self._missing]
            self._read += more[: max(0, _MOST_READ - len(self._read))]
            at += len(more)
            self._missing -= len(more)
            if self._missing:
                return
            yield begins, self._understood(bytes(self._read))
            self._read.clear()
            self._missing, begins = None, at

    def _understood(self, message: bytes) -> Operations:
        if not self._started:  # it asks for encryption, or begins; what is encrypted looks like neither
            self._started = int.from_bytes(message[_UNTYPED : _UNTYPED + 2]) == _PROTOCOL_3
            return NONE
        kind, (first, second, *_) = message[:1], (*message[_TYPED:].split(b"\0", 2), b"", b"")
        if kind == b"P":
            self._prepared[first] = operations(second)
        elif kind == b"B":
            self._bound[first] = self._prepared.get(second, NONE)
        elif kind == b"C" and first[:1] == b"S":
            self._prepared.pop(first[1:], None)
        elif kind == b"E":
            return self._bound.get(first, NONE)
        return operations(first) if kind == b"Q" else NONE


def operations(sql: bytes) -> Operations:
    """Which of `OPERATIONS` these statements are. One that begins with WITH is each change that stands in it, else a
    select; END is a commit."""
    found: set[str] = set()
    for statement in _plain(sql.decode("latin-1")).split(";"):
        word = _FIRST_WORD.match(statement)
        if word and word[1].lower() == "with":
            found.update(map(str.lower, _IN_A_WITH.findall(statement)) if _IN_A_WITH.search(statement) else ("select",))
        elif word:
            found.add(_ENDS.get(word[1].lower(), word[1].lower()))
    return frozenset(found.intersection(OPERATIONS))


def _plain(sql: str) -> str:
    """What is neither text nor quoted name nor comment. What is not closed, as where a message was read in part alone,
    is so to its end."""
    kept, at = [], 0
    while opened := _OPENS.search(sql, at):
        kept.append(sql[at : opened.start()])
        at = _closed(sql, opened[0].lower(), opened.end())
    return " ".join([*kept, sql[at:]])


def _closed(sql: str, opened: str, at: int) -> int:
    """Behind what closes what is opened before `at`; where nothing does, the end."""
    if opened == "/*":
        depth = 1
        for sign in _COMMENT.finditer(sql, at):
            depth += 1 if sign[0] == "/*" else -1
            if not depth:
                return sign.end()
        return len(sql)
    if opened in _CLOSES:
        found = _CLOSES[opened].match(sql, at)
        return found.end() if found else len(sql)
    closing = sql.find(opened, at)
    return closing + len(opened) if closing >= 0 else len(sql)
