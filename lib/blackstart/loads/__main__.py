"""`python -m blackstart.loads SPEC.json HISTORY.csv`: one load, given as `to_data` writes it, in a process of its own.

It prints one JSON line `{"event": "ready"}`, starts at the line `go` on stdin (or `go SECONDS`, a time of
`clock.now_s()`), sends no more at the line `stop`, ends at once at the end of stdin (its parent is dead) or at SIGTERM,
and prints one JSON line `{"event": "summary", ...}` last; before that, `{"event": "stalled", ...}` each time that it
stood still. A spec that is not valid is refused with exit code 40.
"""

import argparse
import asyncio
import dataclasses
import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import Any

from blackstart.base.codec import from_data
from blackstart.base.errors import EXIT_REFUSED, BlackstartError
from blackstart.base.scheduling_lag import LagMeter, LagSample
from blackstart.loads import driving
from blackstart.loads.driving.control import Control, say


def main(argv: list[str] | None = None) -> int:
    """Play the load that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m blackstart.loads", description="Play one load.")
    parser.add_argument("spec", type=Path)
    parser.add_argument("history", type=Path)
    parser.add_argument("--worker", type=_share, default=None, help="this process's share, as in 0/2")
    given = parser.parse_args(argv)
    try:
        load = from_data(json.loads(given.spec.read_text(encoding="utf-8")))
        if getattr(load, "kind", "") not in {module.name for module in pkgutil.iter_modules(driving.__path__)}:
            raise ValueError("there is no load in it")
        asyncio.run(_play(load, given.spec, given.history, given.worker))
    except (OSError, ValueError, BlackstartError) as error:
        handed = str(given.spec).startswith("/dev/fd/")  # by a run, whose spec nobody wrote into a file
        say("refused", message=str(error) if handed else f"{given.spec}: {error}")
        return EXIT_REFUSED
    return 0


async def _play(load: Any, spec: Path, history: Path, share: tuple[int, int] | None) -> None:
    control = Control()
    control.listen()
    LagMeter(_tell_stall).start()  # it ends with the process
    driver = importlib.import_module(f"blackstart.loads.driving.{load.kind}")
    await driver.drive(load, spec, history, control, share)


def _tell_stall(sample: LagSample) -> None:
    if sample.stalled:
        say("stalled", sample=dataclasses.astuple(sample))


def _share(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not ((number + count).isascii() and number.isdigit() and count.isdigit() and int(number) < int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share: write 0/2")
    return int(number), int(count)


if __name__ == "__main__":
    sys.exit(main())
