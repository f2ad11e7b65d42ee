"""A run in small, for the tests of its guardian: stop Redis, hold, start it again. Prints each step as it begins.

python -m tests.contract.small_run REPORTS SUPERVISORD_CONFIG PORT HOLD_S [LEASE_S]

It waits before the stop and while it holds; a character on its standard input ends such a wait before its time.
"""

import os
import select
import sys
import time
from dataclasses import replace
from pathlib import Path

from blackstart.base import clock
from blackstart.base.errors import BlackstartError
from blackstart.controls.steps.local import carry_out
from blackstart.evidence import folder
from blackstart.faults.stop import Stop
from blackstart.model.target import Service, Target
from blackstart.safety.guardian.client import Guardian
from blackstart.safety.heal import heal_script
from blackstart.safety.heal.restore import is_gone, restore
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.preflight.service_lock import Locks


def say(text: str) -> None:
    print(f"{clock.now_s():.6f} {text}", flush=True)


def told_to_go_on(within_s: float) -> bool:
    """Whether a character came; the end of the input is none."""
    ready = select.select([0], [], [], within_s)[0]
    if ready and os.read(0, 1):
        return True
    if ready:
        select.select([], [], [], within_s)
    return False


def main(
    reports: str,
    config: str,
    port: str,
    hold_s: str,
    lease_s: str = "10",
    program: str = "redis",
    lifetime_s: str = "600",
    wait_s: str = "0",
) -> int:
    control = {"supervisor": program, "config": config}
    target = Target("small", services={"redis": Service("redis", address=f"127.0.0.1:{port}", control=control)})
    changes = tuple(replace(change, lease_s=float(lifetime_s)) for change in Stop("redis").plan(target))
    locks = Locks([f"supervisor:{config}:{program}"])
    locks.take("small", "small")
    where = folder.make(reports, "small", undo_copies.claim)
    say(f"evidence {where.path}")
    guardian = Guardian(where, changes, float(lease_s))
    guardian.start(locks.handles())
    heal_script.write(where.heal_script, where.run, changes)
    guardian.wait_up()
    say(f"up {guardian.process.pid if guardian.process else 0}")
    told_to_go_on(float(wait_s))
    ledger = Ledger(tell=guardian.tell)
    entry, change = f"{where.run}#0", changes[0]
    ledger.intend(
        entry_id=entry, run=where.run, experiment="small", target="small", change=change, evidence=where.path,
        lease_s=change.lease_s,
    )  # fmt: skip
    ledger.mark(entry, "doing")
    say("doing")
    for step in change.do:
        carry_out(step, guardian.child)
    ledger.mark(entry, "done")
    say("done")
    until_s = clock.now_s() + float(hold_s)
    while clock.now_s() < until_s and not guardian.problem() and not told_to_go_on(0.02):
        pass
    if guardian.problem():
        say(f"problem {guardian.problem()}")
    ledger.mark(entry, "undoing")
    say("undoing")
    ok = restore(change, say, 8.0)
    time.sleep(0.3)
    if ok and is_gone(change):
        ledger.close(entry)
    say("undone" if ok else "not undone")
    guardian.release(keep=not ok)
    locks.release()
    say("end")
    return 0 if ok else 50


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    try:
        sys.exit(main(*sys.argv[1:]))
    except BlackstartError as error:
        say(f"error {error}")
        sys.exit(40)
