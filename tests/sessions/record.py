"""Records sessions of real drills on a lab of their own, for `test_sessions` to tell them again.

    python -m tests.sessions.record [SITUATION…]

Each is what an operator does at a terminal, and what befalls the system meanwhile. What was said and the journal are
kept, packed, in recorded/; then `GOLDEN=1 pytest tests/sessions` makes the golden files anew, to be looked at.
"""

import gzip
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import pexpect
import tomli_w
from tenacity import Retrying, stop_after_attempt

from blackstart.base import clock
from tests.lab.drills import BIN, ROOT, ledger
from tests.lab.lab_driver import LabDriver, eventually
from tests.screen import Seen

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
COLUMNS, LINES = 140, 50
MAX_RATE_HZ = 10


class Session:
    """One session: a lab, a folder with a target file, and a terminal."""

    def __init__(self, folder: Path, lab: LabDriver) -> None:
        self.folder, self.lab, self.out = folder, lab, folder / "said.jsonl"
        self.mend: list[Callable[[], object]] = []
        self.seen = Seen(COLUMNS, LINES)
        self.out.unlink(missing_ok=True)
        self.target(lambda told: None)

    def target(self, change: Callable[[dict[str, Any]], object]) -> None:
        """The lab's target file, changed. It is read at the pace of a system that is no lab: the record stays small."""
        told = self.lab.target
        told |= {"name": "production", "max_rate_hz": MAX_RATE_HZ}
        del told["lab"]
        change(told)
        (self.folder / "targets").mkdir(exist_ok=True)
        (self.folder / "targets" / "production.toml").write_text(tomli_w.dumps(told), encoding="utf-8")

    def types(self, task: str, **env: str) -> None:
        """The operator runs a task."""
        words = task.split()
        self.note("command", " ".join([*(f"{name}={value}" for name, value in env.items()), "invoke", task]))
        bare = {name: value for name in ("PATH", "HOME", "LANG") if (value := os.environ.get(name))}
        self.child = pexpect.spawn(
            sys.executable, ["-m", "tests.sessions.spy", str(self.out), *words], cwd=str(self.folder), timeout=300,
            encoding="utf-8", dimensions=(LINES, COLUMNS),
            # Who records in the background of a shell has it ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            env={**bare, "PATH": f"{BIN}:{bare['PATH']}", "TERM": "xterm", "PYTHONPATH": str(ROOT), "USER": "operator",
                 "BLACKSTART_STATE": str(self.lab.state), "BLACKSTART_LOCKS": str(self.folder / "locks"),
                 "BLACKSTART_RUN": "invoke", **env},
        )  # fmt: skip
        self.child.logfile_read = self

    def write(self, text: str) -> None:
        """What the terminal was sent."""
        self.seen.write(text.encode())

    def flush(self) -> None:
        """As pexpect asks of a log."""

    def sees(self, text: str) -> None:
        self.child.expect_exact(text)

    def yes(self) -> None:
        self.sees("[y/N] ")
        self.child.sendline("y")

    def ctrl_c(self) -> None:
        self.note("typed", "\x03")
        self.child.sendintr()

    def ends(self) -> int:
        """To its end, with nothing to note."""
        while (
            self.child.expect_exact(
                ["A note for the evidence, no command (Enter: none): ", "What was learned? ", pexpect.EOF]
            )
            < 2
        ):
            self.child.sendline("")
        self.child.close()
        self.note("ended", self.child.exitstatus)
        return int(self.child.exitstatus)

    def note(self, call: str, *args: Any) -> None:
        with self.out.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"at": clock.now_s(), "utc": clock.utc_iso(), "call": call, "args": args}) + "\n")

    def recorded(self) -> list[dict[str, Any]]:
        """What was said, the journal and the guardian's, in the order of time."""
        said = [json.loads(line) for line in self.out.read_text(encoding="utf-8").splitlines()]
        for name in ("journal", "guardian"):
            for path in self.folder.glob(f"reports/chaos/*/{name}.jsonl"):
                for line in path.read_text(encoding="utf-8").splitlines():
                    said.append({"at": json.loads(line)["at"], "call": name, "args": [line]})
        for path in self.folder.glob("reports/chaos/*/history.csv"):
            said.append({"at": 0.0, "call": "history", "args": [path.read_text(encoding="utf-8")]})
        return sorted(said, key=lambda one: float(one["at"]))


# ---------------------------------------------------------------- the situations


def held(s: Session) -> None:
    s.types("chaos.leader-lock --target production")
    s.yes()
    assert s.ends() == 0


def broke_by_one_cause(s: Session) -> None:
    s.types("chaos.leader-lock --target production", WAIT_READY_TIMEOUT="15")
    s.yes()
    s.sees("the fault bites")
    s.lab.supervisor("stop", "api")
    s.mend.append(lambda: s.lab.supervisor("start", "api"))
    assert s.ends() == 20


def inconclusive(s: Session) -> None:
    switch = s.folder / "freeze"
    s.types("chaos.leader-lock --target production", BLACKSTART_FREEZE=str(switch))
    s.yes()
    s.sees("the fault bites")
    switch.write_text("the exchange opens early\n", encoding="utf-8")
    assert s.ends() == 30


def refused_without_orders(s: Session) -> None:
    s.target(lambda told: told.pop("orders"))
    s.types("chaos.postgres-blip --target production")
    assert s.ends() == 40


def not_restored(s: Session) -> None:
    s.types("chaos.leader-lock --target production")
    s.yes()
    s.sees("the fault bites")
    data, away = s.lab.folder / "redis", s.lab.folder / "redis.away"
    data.rename(away)  # without its folder Redis can't be started
    assert s.ends() == 50
    away.rename(data)
    eventually(lambda: not ledger(s.lab.state), 120)  # its guardian has mended it
    s.types("chaos.status")
    assert s.ends() == 0
    s.types("report.show")
    s.ends()


def ctrl_c_at_the_first_prompt(s: Session) -> None:
    s.types("chaos.leader-lock --target production")
    s.sees("[y/N] ")
    s.child.sendintr()
    assert s.ends() == 130


def ctrl_c_in_the_fault(s: Session) -> None:
    s.types("chaos.leader-lock --target production")
    s.yes()
    s.sees("the fault bites")
    s.ctrl_c()
    assert s.ends() == 130


def ctrl_c_in_recovery(s: Session) -> None:
    s.types("chaos.leader-lock --target production")
    s.yes()
    s.sees("recovery: waiting for")
    s.ctrl_c()
    assert s.ends() == 130


def pause_on_fail_with_the_app_dead(s: Session) -> None:
    s.types("chaos.leader-lock --target production", PAUSE_ON_FAIL="1", WAIT_READY_TIMEOUT="15")
    s.yes()
    s.sees("the fault bites")
    s.lab.supervisor("stop", "api")
    s.mend.append(lambda: s.lab.supervisor("start", "api"))
    assert s.ends() == 20


def a_ttl_of_30_s(s: Session) -> None:
    s.types("chaos.leader-lock --target production")
    s.yes()
    assert s.ends() == 0


SITUATIONS: dict[str, tuple[Callable[[Session], None], tuple[str, ...]]] = {
    made.__name__: (made, flags)
    for made, *flags in (
        (held,), (broke_by_one_cause,), (inconclusive,), (refused_without_orders,), (not_restored,),
        (ctrl_c_at_the_first_prompt,), (ctrl_c_in_the_fault,), (ctrl_c_in_recovery,),
        (pause_on_fail_with_the_app_dead,), (a_ttl_of_30_s, "--profile", "real"),
    )
}  # fmt: skip


@contextmanager
def lab_of(name: str, folder: Path) -> Iterator[LabDriver]:
    """The lab that a situation needs."""
    lab = LabDriver(folder / "state").up(*SITUATIONS[name][1])
    try:
        yield lab
    finally:
        lab.command("down")


def recorded(name: str, folder: Path, lab: LabDriver) -> Session:
    """A session that has ended; its lab is as it was."""
    for path in ("reports", "freeze"):
        shutil.rmtree(folder / path, ignore_errors=True)
        (folder / path).unlink(missing_ok=True)
    session = Session(folder, lab)
    try:
        SITUATIONS[name][0](session)
        return session
    finally:
        for mend in session.mend:
            mend()
        eventually(lambda: lab.status("/ready") == 200, 60)


def read(name: str) -> list[dict[str, Any]]:
    """A session as it was recorded."""
    with gzip.open(RECORDED / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main(names: list[str]) -> None:
    # The paths and ports stand in the golden files: not those of whoever records.
    os.environ["BLACKSTART_LAB_PORTS"] = "18000-18019"
    RECORDED.mkdir(exist_ok=True)
    folder = Path("/tmp/drill")
    for _, alike in groupby(names or SITUATIONS, key=lambda name: SITUATIONS[name][1]):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        first, *others = alike
        with lab_of(first, folder) as lab:
            for name in (first, *others):
                _keep(name, folder, lab)


def _keep(name: str, folder: Path, lab: LabDriver) -> None:
    for attempt in Retrying(stop=stop_after_attempt(3)):  # on a busy machine a drill may be inconclusive
        with attempt:
            session = recorded(name, folder, lab)
            lines = [f"{json.dumps(one, ensure_ascii=False)}\n" for one in session.recorded()]
            packed = gzip.compress("".join(lines).encode(), mtime=0)
            (RECORDED / f"{name}.jsonl.gz").write_bytes(packed)
            print(f"{name}: {len(packed) // 1024} KiB\n{session.seen.text()}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
