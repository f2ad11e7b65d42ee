"""The gateway's own record of what happened to it: the ground truth that measurements are compared with."""

import json
import logging
import os
from pathlib import Path

from blackstart_lab.clock import now_s, utc_now

log = logging.getLogger("gateway")


class EventLog:
    """JSON lines, one write each, so that a killed process leaves whole lines. `at` is in seconds of `clock.now_s`."""

    def __init__(self, path: Path, instance_id: str) -> None:
        self._path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._instance_id = instance_id

    def write(self, event: str, **facts: object) -> None:
        line = {"at": now_s(), "utc": utc_now(), "event": event, "instance_id": self._instance_id, **facts}
        os.write(self._handle, json.dumps(line).encode() + b"\n")
        log.info("%s%s", event, "".join(f" {name}={value}" for name, value in facts.items()))

    def count(self, event: str) -> int:
        """How many there are, those of earlier starts included."""
        with self._path.open(encoding="utf-8") as lines:
            return sum(json.loads(line)["event"] == event for line in lines)
