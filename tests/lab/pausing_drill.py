"""A drill that touches a file alone. HOW says what it comes to, and its test what becomes of the trader meanwhile."""

import os
from dataclasses import replace
from pathlib import Path

from blackstart.base.codec import plain
from blackstart.model.change import Change
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.probes.http import HttpJson
from blackstart.probes.postgres_ping import PostgresPing
from blackstart.suites.trader import readings as read
from blackstart.suites.trader.link import links
from tests.unit.safety.file_fault import without

NOBODY_MENDS_IT = "test -e {0}.mends && touch {0}"


@plain
class FileGone:
    """It counts as a fault of Redis: what is touched must be a service of the target."""

    path: str
    undo: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        noop = self.undo != NOBODY_MENDS_IT
        return (replace(without(Path(self.path), self.undo), service="redis", undo_is_noop=noop),)

    def describe(self) -> str:
        return f"remove {self.path}"


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    how = os.environ["HOW"]
    never = {
        "broke": eventually(read.ready().is_(418), within_s=1.0, name="never"),
        "inconclusive": eventually(HttpJson("/state", "nothing", name="nothing").is_(1), within_s=0.5, name="absent"),
    }
    # What the test does to the trader meanwhile is awaited.
    during = {
        "other leader": (eventually(read.leader().is_(0), within_s=30, name="leads_no_more"),),
        "postgres down": (eventually(PostgresPing("postgres", name="ping").silent(), within_s=30, name="down"),),
        "app down": (eventually(read.ready().unreachable(), within_s=30, name="down"),),
    }
    # Something must be expected: where nothing else is, that the file's absence is nothing to the trader.
    alone = () if "MEANWHILE" in os.environ else (eventually(read.ready().is_(200), within_s=10, name="still_ready"),)
    return Experiment(
        name=how,
        target="trader",
        hypothesis="Nobody minds a file.",
        link=links(target),
        baseline=(eventually(read.leader().is_(1)), eventually(read.paused().is_(False))),
        faults=(FileGone(os.environ["DRILL_FILE"], NOBODY_MENDS_IT if how == "not-restored" else "touch {}"),),
        during=during.get(os.environ.get("MEANWHILE", ""), ()),
        recovery=(never[how],) if how in never else alone,
        settle_s=0.1,
        undo_timeout_s=2.0,
    )
