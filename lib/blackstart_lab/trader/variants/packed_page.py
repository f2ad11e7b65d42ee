"""The metrics page comes packed with gzip, whether it was asked for or not."""

from aiohttp import web

from blackstart_lab.trader.page import Page
from blackstart_lab.trader.variants import Variant


class Packed(Page):
    """A middleware that does not look at what the client accepts."""

    def answer(self) -> web.Response:
        answer = super().answer()
        answer.enable_compression(web.ContentCoding.gzip)
        return answer


VARIANT = Variant(summary="the metrics page is packed with gzip", parts={"page": Packed})
