"""The trading desk's state: paused or not, in which mode."""

from blackstart_lab.event_log import EventLog

MODES = ("PAPER", "LIVE")
LIVE_CONFIRMATION = "CONFIRM LIVE TRADING"


class Desk:
    """`is_paused` is what trading obeys, and /state shows under the name `PAUSED`; `manually_paused` is the flag that
    /health shows, set by people only."""

    PAUSED = "is_paused"

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self.mode = "PAPER"
        self.is_paused = True  # until the first leadership
        self.manually_paused = False
        self.trades_today = 0

    def pause(self, reason: str) -> None:
        if not self.is_paused:
            self._events.write("paused", reason=reason)
        self.is_paused = True

    def resume(self, reason: str) -> None:
        """Trade again, whoever had paused: re-acquiring the lock cancels a manual pause too."""
        if self.is_paused:
            self._events.write("resumed", reason=reason)
        self.is_paused = False
        self.manually_paused = False

    def set_mode(self, mode: str) -> None:
        self.mode = mode
        self._events.write("mode", mode=mode)
