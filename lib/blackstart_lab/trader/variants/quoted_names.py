"""Names in quotes and braces, as Prometheus 3 knows them, beside ones that can't be written otherwise."""

import re

from blackstart_lab.trader.page import Page
from blackstart_lab.trader.variants import Variant

_SAMPLE = re.compile(rb"(?m)^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ")
_DOTTED = b'{"http.server.request.duration","url.path"="/orders"} 3\n'


class Quoted(Page):
    """Every name of a series is quoted."""

    def text(self) -> bytes:
        return _DOTTED + _SAMPLE.sub(lambda found: b'{"%s",%s} ' % (found[1], found[2] or b""), super().text())


VARIANT = Variant(summary="the names on the metrics page are in quotes (UTF-8)", parts={"page": Quoted})
