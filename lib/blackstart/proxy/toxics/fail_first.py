"""The toxic `fail_first`."""

from blackstart.proxy.attributes import OneOf, Whole
from blackstart.proxy.stage import HangUp, Stage


class FailFirst(Stage):
    """Ends the first `count` connections that are accepted after it was added; later ones pass.

    They never reach the upstream: they are reset (RST) or closed (`how: "close"`, FIN).
    """

    count = Whole(None, "connections", least=1)
    how = OneOf("reset", "close")

    def opened(self, fresh: bool) -> None:
        failed = self.toxic.shared.setdefault("failed", 0)
        if fresh and failed < self.count:
            self.toxic.shared["failed"] = failed + 1
            self.hang_up(HangUp.RESET if self.how == "reset" else HangUp.CUT)
