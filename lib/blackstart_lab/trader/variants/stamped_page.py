"""Every sample stands there twice: as it was a minute ago, and as it is now, each with its time stamp."""

import re
import time

from blackstart_lab.trader.page import Page
from blackstart_lab.trader.variants import Variant

_SAMPLE = re.compile(rb"(?m)^([^#\n][^\n]*) (\S+)$")
_MINUTE_MS = 60_000


class Stamped(Page):
    """A page that somebody else has collected."""

    def text(self) -> bytes:
        now_ms = round(time.time() * 1000)
        stamped = rb"\1 \2 %d\n\1 7 %d" % (now_ms, now_ms - _MINUTE_MS)
        return _SAMPLE.sub(stamped, super().text())


VARIANT = Variant(summary="samples with time stamps, old ones among them", parts={"page": Stamped})
