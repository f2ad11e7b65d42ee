"""The toxic `lose_statements`."""

from blackstart.proxy.attributes import OneOf, Whole
from blackstart.proxy.stage import HangUp, Stage

# How a message of a PostgreSQL client begins that asks for something: Query, Parse, Bind, Execute, Function call. What
# opens a connection begins otherwise, and so does all that TLS hides.
_ASKS = (b"Q", b"P", b"B", b"E", b"F")


class LoseStatements(Stage):
    """Of what a PostgreSQL client asks, `percent` is lost, each time by chance: its connection goes silent from then
    on (`how: "silent"`), or is reset. A connection that is used again and again is hit as often as new ones."""

    percent = Whole(None, "%", least=1, most=100)
    how = OneOf("silent", "reset")

    def opened(self, fresh: bool) -> None:
        self._silent = False

    def data(self, chunk: bytes) -> None:
        asks = chunk[:1] in _ASKS
        if not self._silent and not (asks and self.random().random() * 100 < self.percent):
            self.emit(chunk)
            return
        self.dropped_bytes += len(chunk)
        self.hit()
        self._silent = True
        if self.how == "reset":
            self.hang_up(HangUp.RESET)

    def removed(self) -> None:
        if self._silent:
            self.hang_up(HangUp.CUT)
