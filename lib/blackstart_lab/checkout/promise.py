"""What the checkout promises of itself: its limits, and the settings of one program."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Promise:
    """Limits in seconds, and what a client may open in a window.

    `answer_timeout_s` is all that a request may take at the API. `finish_after_s` is how old a request must be that
    nobody is at work on before it is finished without its caller, and `catch_up_s` how long after the end of a fault
    everything is finished at the latest.
    """

    limit_per_s: int = 10
    window_s: float = 1.0
    limit_window: str = "sliding"
    answer_timeout_s: float = 4.0
    db_timeout_s: float = 1.0
    db_tries: int = 3
    payment_timeout_s: float = 0.3
    payment_tries: int = 6
    finish_after_s: float = 2.0
    catch_up_s: float = 15.0

    def facts(self) -> dict[str, Any]:
        """The `[facts]` of target.toml, from which deadlines and limits are derived."""
        return dict(vars(self))


PROMISED = Promise()


@dataclass(frozen=True)
class Settings:
    """One API: where it listens, what it talks to, where it tells what happened."""

    promise: Promise
    port: int
    events: Path
    dsn: str
    payments: str
    mutant: str | None = None
    host: str = "127.0.0.1"
