"""The toxic `lose_statements`."""

from blackstart.proxy.attributes import OneOf, Whole
from blackstart.proxy.postgres_statements import OPERATIONS, Statements
from blackstart.proxy.stage import HangUp, Stage

# How a message of a PostgreSQL client begins that asks for something: Query, Parse, Bind, Execute, Function call. What
# opens a connection begins otherwise, and so does all that TLS hides.
_ASKS = (b"Q", b"P", b"B", b"E", b"F")
_ANY = "any"


class LoseStatements(Stage):
    """Of what a PostgreSQL client asks, `percent` is lost, each time by chance: its connection goes silent from then
    on (`how: "silent"`), or is reset. A connection that is used again and again is hit as often as new ones.

    Of one `operation` alone the statements are lost that are one when they are carried out. What was prepared on a
    connection before can't be told: such a connection is ended, and its client prepares it again on the next.
    """

    percent = Whole(None, "%", least=1, most=100)
    how = OneOf("silent", "reset")
    operation = OneOf(_ANY, *OPERATIONS)

    def opened(self, fresh: bool) -> None:
        self._silent = False
        self._statements = Statements() if fresh and self.operation != _ANY else None
        self.changed()

    def data(self, chunk: bytes) -> None:
        at = 0 if self._silent else next((at for at in self._asked(chunk) if self._is_lost()), None)
        if at is None:
            self.emit(chunk)
            return
        if at:
            self.emit(chunk[:at])
        self.dropped_bytes += len(chunk) - at
        self.hit()
        self._silent = True
        if self.how == "reset":
            self.hang_up(HangUp.RESET)

    def _asked(self, chunk: bytes) -> list[int]:
        """Where in it something begins that is asked for, and that may be lost."""
        if self._statements is None:
            return [0] if chunk[:1] in _ASKS else []
        return [at for at, operations in self._statements.asked(chunk) if self.operation in operations]

    def _is_lost(self) -> bool:
        return self.random().random() * 100 < self.percent

    def changed(self) -> None:
        if self.operation != _ANY and self._statements is None:
            self.hang_up(HangUp.CUT)

    def removed(self) -> None:
        if self._silent:
            self.hang_up(HangUp.CUT)
