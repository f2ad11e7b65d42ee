"""A series for each path that was ever asked for: the metrics page grows fivefold while it is looked at."""

from typing import Any

from blackstart_lab.trader.page import Page
from blackstart_lab.trader.variants import Variant

_LINES = [
    b'http_request_duration_seconds_bucket{path="/orders/%07d",le="0.5"} 1\n' % number for number in range(16_000)
]
_FIRST, _MORE = 3_000, 100


class Growing(Page):
    """As large as a page gets where a label takes any value."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._lines = _FIRST
        self._rest = b"".join(_LINES[:_FIRST])

    def text(self) -> bytes:
        if self._lines < len(_LINES):
            self._rest += b"".join(_LINES[self._lines : self._lines + _MORE])
            self._lines += _MORE
        return self._rest[: len(self._rest) // 2] + super().text() + self._rest[len(self._rest) // 2 :]


# Often enough for the steps of the backoff, and no oftener: it comes to a megabyte each time.
VARIANT = Variant(summary="the metrics page grows fivefold", parts={"page": Growing}, max_rate_hz=20.0)
