"""The memory limit of the gateway: what a container's limit would do to it, done by the process itself."""

import os
import signal
import threading

from blackstart_lab.event_log import EventLog
from blackstart_lab.gateway.metrics import resident_bytes

_LOOK_S = 0.05


def enforce(limit_mb: int, events: EventLog) -> None:
    """From now on end the process by SIGKILL once it holds more, after saying so in the event log.

    A process outside of a container has no limit that ends it and can be seen afterwards; the supervisor starts it
    again, as a container with a restart policy would be.
    """

    def watch() -> None:
        while not ended.wait(_LOOK_S):
            held = resident_bytes()
            if held > limit_mb * 2**20:
                events.write("oom_killed", rss_bytes=held, limit_mb=limit_mb)
                os.kill(os.getpid(), signal.SIGKILL)

    ended = threading.Event()
    threading.Thread(target=watch, name="memory-limit", daemon=True).start()
