"""A process control as a target that describes one gets it, and processes that it may find."""

import subprocess
from collections.abc import Sequence
from typing import Any

import psutil

from blackstart import controls
from blackstart.model.control import Control
from blackstart.model.target import Service

Table = dict[str, object]


def of(table: Table) -> Control:
    return controls.of(Service("redis", control=table)).resolve()


def shows(process: subprocess.Popen[Any], words: Sequence[str]) -> bool:
    """Whether its command line is there to be found: a child has none yet when its parent is told that it began."""
    return psutil.Process(process.pid).cmdline() == list(words)
