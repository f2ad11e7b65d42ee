"""The body of an HTTP answer as it comes: unpacked, and of a long page of series no more than the wanted lines.

What is kept is bounded, and so is what is looked at: a packed body may be a thousand times as large as what was sent.
"""

import zlib
from collections.abc import Iterator, Sequence

from blackstart.base.sockets import NoAnswer

# Beyond this a page is not followed any further: the largest that people tell of have 33 MB.
MAX_PAGE_BYTES = 128 * 1024 * 1024
_LINE_BYTES = 64 * 1024
_UNPACKED_BYTES = 256 * 1024
_GZIP_OR_ZLIB, _BARE = 47, -15
_GZIP_BEGIN = b"\x1f\x8b"
_PACKED = (b"gzip", b"x-gzip", b"deflate")
_PLAIN = (b"", b"identity")
_BLANKS = b" \t"
_LINE_FEED = 0x0A
_ENDS_NAME = (b"{", b" ", b"\t")


def lines_of(page: bytes, name: bytes) -> Iterator[tuple[int, int, int]]:
    """Where lines of the series begin, where what follows the name does, and where they end.

    Where the name stands in quotes and braces (`{"http.open"} 3`), all that begins with the brace follows it.
    """
    place = page.find(name)
    while place >= 0:
        after = place + len(name)
        quoted = page[place - 1 : place] == b'"' == page[after : after + 1] and page[after + 1 : after + 2] != b"="
        begin = _opening_brace(page, place - 1) if quoted else place
        if begin >= 0 and (quoted or page[after : after + 1] in _ENDS_NAME) and _starts_line(page, begin):
            end = page.find(b"\n", after)
            end = len(page) if end < 0 else end
            yield begin, begin if quoted else after, end
            after = end
        place = page.find(name, after)


def quoted_name(name: str) -> bytes:
    """A series' name as it stands on a page, where it may be in quotes."""
    return name.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"').encode()


def _before_blanks(page: bytes, place: int) -> int:
    while place > 0 and page[place - 1] in _BLANKS:
        place -= 1
    return place


def _opening_brace(page: bytes, place: int) -> int:
    place = _before_blanks(page, place) - 1
    return place if page[place : place + 1] == b"{" else -1


def _starts_line(page: bytes, place: int) -> bool:
    place = _before_blanks(page, place)
    return place == 0 or page[place - 1] == _LINE_FEED


def _is_framed(data: bytes) -> bool:
    # Many servers leave out zlib's frame: RFC 9110, 8.4.1.2.
    return data.startswith(_GZIP_BEGIN) or (data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0)


class Body:
    """Collects one body. Raises NoAnswer: `unreadable` beyond our limits, `malformed` where it is not as it says."""

    __slots__ = (
        "_begin", "_ended", "_long", "_max_bytes", "_packed", "_parts", "_rest", "_series", "_size", "_skips",
        "_unpacked",
    )  # fmt: skip

    def __init__(self, max_bytes: int, series: Sequence[bytes] = ()) -> None:
        self._max_bytes, self._series = max_bytes, series
        self._packed: zlib._Decompress | None = None
        self._parts: list[bytes] = []
        self._begin: bytes | None = None  # where it may be packed with or without a frame: what has come of it
        self._rest = b""
        self._size = self._unpacked = 0
        self._ended = self._long = self._skips = False

    @property
    def packed(self) -> bool:
        """Whether it says that it has to be unpacked."""
        return self._packed is not None

    def encoded(self, encoding: bytes) -> None:
        """What its head says."""
        name = encoding.strip().lower()
        if name in _PACKED:
            self._packed = zlib.decompressobj(_GZIP_OR_ZLIB)
            self._begin = b"" if name == b"deflate" else None
        elif name not in _PLAIN:
            raise NoAnswer("unreadable", f"an encoding that is not read: {name[:40].decode('latin-1')}")

    def add(self, data: bytes) -> None:
        """Take the next bytes as they were sent."""
        if self._packed is None:
            self._keep(data)
            return
        if self._begin is not None:
            data = self._begin = self._begin + data
            if len(data) < len(_GZIP_BEGIN):
                return
            self._begin = None
            self._packed = zlib.decompressobj(_GZIP_OR_ZLIB if _is_framed(data) else _BARE)
        try:
            full = False  # it may hold more than it gave, and have taken all that came
            while (data or full) and not self._ended:
                unpacked = self._packed.decompress(data, _UNPACKED_BYTES)
                self._keep(unpacked)
                full = len(unpacked) == _UNPACKED_BYTES
                data, behind = self._packed.unconsumed_tail, self._packed.unused_data
                if behind.startswith(_GZIP_BEGIN):
                    data, self._packed = behind, zlib.decompressobj(_GZIP_OR_ZLIB)
                else:
                    self._ended = len(behind) >= len(_GZIP_BEGIN)  # as gzip does, what is no further part is left out
        except zlib.error as error:
            raise NoAnswer("malformed", f"not packed as it says: {error}") from error

    def whole(self) -> bytes:
        """The body, at its end. It is not kept here any longer."""
        if self._packed is not None and self._unpacked and not self._packed.eof:
            raise NoAnswer("malformed", "a packed answer that was cut short")
        if self._long:
            self._sift(b"\n")
        body = b"".join(self._parts)
        self.drop()
        return body

    def drop(self) -> None:
        """Forget what came."""
        self._parts.clear()
        self._rest = b""

    def _keep(self, data: bytes) -> None:
        self._unpacked += len(data)
        most = MAX_PAGE_BYTES if self._series else self._max_bytes
        if self._unpacked > most:
            raise NoAnswer("unreadable", f"answer larger than {most} bytes")
        if self._long:
            self._sift(data)
            return
        self._parts.append(data)
        if self._unpacked > self._max_bytes:
            self._long, data = True, b"".join(self._parts)
            self._parts.clear()
            self._sift(data)

    def _sift(self, data: bytes) -> None:
        """Keep the wanted of the lines that are complete by now."""
        if self._skips:
            data = data[data.find(b"\n") :] if b"\n" in data else b""
            self._skips = not data
        cut = data.rfind(b"\n") + 1
        if not cut:
            self._rest += data
            if len(self._rest) > _LINE_BYTES:  # no sample is as long as that
                self._rest, self._skips = b"", True
            return
        block, self._rest = self._rest + data[:cut], data[cut:]
        for name in self._series:
            for begin, _, end in lines_of(block, name):
                self._parts.append(block[begin : end + 1])
                self._size += end + 1 - begin
        if self._size > self._max_bytes:
            raise NoAnswer("unreadable", f"more than {self._max_bytes} bytes of the wanted series")
