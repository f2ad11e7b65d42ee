"""The toxic `down`."""

from blackstart.proxy.attributes import OneOf
from blackstart.proxy.stage import HangUp, Stage


class Down(Stage):
    """Refuses new connections, as if nothing listened; cuts those that are open, or keeps them (`existing`).

    Like `enabled: false`, but a toxic: it has a name and can have a lease.
    """

    refuses_connections = True
    existing = OneOf("cut", "keep")

    def opened(self, fresh: bool) -> None:
        self.changed()

    def changed(self) -> None:
        if self.existing == "cut":
            self.hang_up(HangUp.CUT)
