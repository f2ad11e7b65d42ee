"""Kills the flash sale's worker, and stops its Kafka, at random instants under load: `python -m tests.lab.sale_soak`.

`--orders 20000 --kills 20 --outages 3` is the whole of it: several minutes. The instants are drawn from `--seed`, which
is printed, over the number of orders that were accepted; one kill falls into each outage of Kafka. Every order is then
compared with what Redis and PostgreSQL hold by the flash sale's own checks. Exit 0 where nothing was lost, doubled or
oversold; that each kill hit a worker that was alive is asserted.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.drills import Drill, drill
from tests.lab.lab_driver import eventually
from tests.lab.sale_driver import SaleDriver
from tests.processes import interruptible

EXPERIMENT = Path(__file__).with_name("soak_experiment.py")
GATE_TIMES = 2.5  # what is sent again comes through it, too; beyond that it is turned away and sent later
ALIVE_WITHIN_S = 90.0
# Kafka takes some seconds to come up: a kill falls before it is started, while it comes up, or just after.
AWAY_S, KILLED_S = (0.5, 4.0), (0.0, 8.0)


@dataclass
class Progress:
    """How many orders of the run were accepted so far, as its history says: it only grows."""

    reports: Path
    seen: int = 0
    offset: int = 0

    def accepted(self) -> int:
        for path in self.reports.glob("*/history.csv"):
            with path.open("rb") as file:
                file.seek(self.offset)
                more = file.read()
            whole = more[: more.rfind(b"\n") + 1]
            self.offset += len(whole)
            self.seen += whole.count(b",ok,200,")
        return self.seen


@dataclass
class Soak:
    """A lab that is up, its load, and who kills meanwhile. `told` is each kill and outage, as it came."""

    lab: SaleDriver
    reports: Path
    orders: int
    rate_per_s: float
    chance: random.Random
    told: list[str] = field(default_factory=list)

    def run(self, kills: int, outages: int) -> Drill:
        """Play the load to its end, kill and stop meanwhile."""
        told = {"SOAK_ORDERS": str(self.orders), "SOAK_RATE": str(self.rate_per_s)}
        within_s = 3 * self.orders / self.rate_per_s + 60 * (kills + outages) + 300
        told["TOTAL_MAX"] = str(round(within_s))
        with ThreadPoolExecutor(1) as pool:
            played = pool.submit(
                drill, "chaos.run", self.lab.state, self.reports, str(EXPERIMENT), within_s=within_s, **told
            )
            progress = Progress(self.reports)
            for at, kind in self._instants(kills, outages):
                eventually(lambda at=at: played.done() or progress.accepted() >= at, within_s)  # type: ignore[misc]
                if played.done():
                    break
                (self._outage if kind == "outage" else self._kill)(played)
                print(f"{progress.accepted()} accepted: {self.told[-1]}", flush=True)
            return played.result()

    def _instants(self, kills: int, outages: int) -> Iterator[tuple[int, str]]:
        kinds = ["kill"] * (kills - outages) + ["outage"] * outages
        self.chance.shuffle(kinds)
        # The last of them well before the end, so that all fall under the load.
        yield from zip(sorted(self.chance.sample(range(20, self.orders * 9 // 10), len(kinds))), kinds, strict=True)

    def _kill(self, played: "Future[Drill]") -> None:
        """SIGKILL to the worker, once there is one: its supervisor has started it again since the last."""
        eventually(lambda: played.done() or self.lab.supervisor("pid", "worker").strip() != "0", ALIVE_WITHIN_S)
        pid = self.lab.kill("worker")
        eventually(lambda: self.lab.supervisor("pid", "worker").strip() not in (str(pid), "0"), ALIVE_WITHIN_S)
        self.told.append(f"worker {pid} killed")

    def _outage(self, played: "Future[Drill]") -> None:
        """Kafka is stopped and started; the worker is killed while it is away, or while it comes back."""
        away_s, killed_s = self.chance.uniform(*AWAY_S), self.chance.uniform(*KILLED_S)
        self.lab.supervisor("stop", "kafka")
        with ThreadPoolExecutor(1) as pool:
            kill = pool.submit(lambda: (time.sleep(killed_s), self._kill(played)))
            time.sleep(away_s)
            self.lab.supervisor("start", "kafka")
            kill.result()
        self.told[-1] += f" {killed_s:.1f} s after Kafka had stopped, which was started after {away_s:.1f} s"


def soak(state: Path, reports: Path, options: argparse.Namespace) -> tuple[Soak, Drill]:
    """Bring the lab up with a gate that lets this rate in, play, kill, take the lab down."""
    lab = SaleDriver(state).up("--gate-per-s", str(round(GATE_TIMES * options.rate)))
    try:
        one = Soak(lab, reports, options.orders, options.rate, random.Random(options.seed))
        return one, one.run(options.kills, options.outages)
    finally:
        lab.command("down")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--orders", type=int, default=20_000, help="how many must be placed")
    made.add_argument("--kills", type=int, default=20, help="SIGKILLs of the worker, those in outages too")
    made.add_argument("--outages", type=int, default=3, help="stops and starts of Kafka")
    made.add_argument("--rate", type=float, default=50.0, help="new orders a second")
    made.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    made.add_argument("--keep", type=Path, default=None, help="where the evidence is kept")
    return made


def main() -> int:
    """Read the command line, play it, print what came of it."""
    options = parser().parse_args()
    interruptible()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="blackstart-soak-"))
    print(f"seed {options.seed}, evidence in {keep}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bs-") as state:
        one, done = soak(Path(state), keep, options)
    for finding in done.judged().findings:
        print(f"{finding.status!s:12} {finding.name:28} {finding.message}")
    print(f"exit {done.code}, {len(one.told)} of {options.kills} kills, {options.outages} outages, seed {options.seed}")
    return int(done.code != 0 or len(one.told) != options.kills)


if __name__ == "__main__":
    sys.exit(main())
