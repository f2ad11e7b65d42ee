"""A program's own record of what happened to it: the ground truth that measurements are compared with."""

import json
import logging
import os
from collections.abc import Collection
from pathlib import Path

from blackstart_lab.clock import now_s, utc_now


class EventLog:
    """JSON lines, one write each, so that a killed process leaves whole lines. `at` is in seconds of `clock.now_s`.

    What an operator would look for is also told to the program's log: all but the `quiet` ones, of which there are
    too many.
    """

    def __init__(self, path: Path, instance_id: str, log: logging.Logger, quiet: Collection[str] = ()) -> None:
        self._path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._instance_id = instance_id
        self._log = log
        self._quiet = quiet

    def write(self, event: str, **facts: object) -> None:
        line = {"at": now_s(), "utc": utc_now(), "event": event, "instance_id": self._instance_id, **facts}
        os.write(self._handle, json.dumps(line).encode() + b"\n")
        if event not in self._quiet:
            self._log.info("%s%s", event, "".join(f" {name}={value}" for name, value in facts.items()))

    def count(self, event: str) -> int:
        """How many there are, those of earlier starts included."""
        with self._path.open(encoding="utf-8") as lines:
            return sum(json.loads(line)["event"] == event for line in lines)
