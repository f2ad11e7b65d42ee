"""A suite's own command that is no drill: its target, what it may touch of it, and its evidence."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from blackstart import controls
from blackstart.base import clock, writer
from blackstart.base.console import Console
from blackstart.base.errors import Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.commands.answer import answering, before_anything
from blackstart.commands.run import choose
from blackstart.engine import link_check, lock_names
from blackstart.model import flags
from blackstart.model.change import Change
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.plan import Plan
from blackstart.model.target import Target
from blackstart.reports import csv_log
from blackstart.safety.preflight import guard_rails, service_lock, ssh_origin
from blackstart.suites import discovery, systems


@answering()
def run(redactor: Redactor, suite: str, name: str, options: Mapping[str, Any], own: Mapping[str, Any]) -> int:
    """Run it; returns the exit code that it says."""
    found, given = discovery.command(suite, name), flags.read(options)
    target, given = choose(found, given, redactor)
    service_lock.refuse_held([lock_names.of_target(target)])  # what a drill has broken just now is no finding
    with contextlib.ExitStack() as held, _log(Path(given.reports), f"{suite}-{name}") as rows:
        session = At(target, given, own, redactor, rows, held, name)
        session.log_row("target", target.name)
        session.say(f"target: {target.name} ({target.api or 'no api'}), from {target.why}")
        try:
            code = int(discovery.load(found).command(session))
        except Refused as refusal:
            session.log_row("refused", str(refusal))
            raise
        session.log_row("exit_code", code)
        session.say(f"evidence: {rows.name}")
        return code


@dataclass
class At:
    """A `model.command.Session`. What it holds is given back when the command ends."""

    target: Target
    flags: Flags
    options: Mapping[str, Any]
    redactor: Redactor
    rows: TextIO
    held: contextlib.ExitStack
    name: str
    console: Console | None = field(default=None)

    def say(self, *lines: str) -> None:
        """Without its secrets."""
        for line in lines:
            writer.line(self.redactor(line))

    def log_row(self, key: str, value: object) -> None:
        """One row of the log."""
        self.rows.write(f"{csv_log.line((key, self.redactor(str(value))))}\n")
        self.rows.flush()
        os.fsync(self.rows.fileno())

    def ask_leave(self, service: str, what: str) -> None:
        """See `model.command.Session`; once it has returned, the service may be touched."""
        if service not in self.target.services:
            raise Refused(f'target "{self.target.name}" has no [services.{service}]')
        touched = self.target.services[service]
        found = {service: controls.resolved(touched)} if touched.control else {}
        places = (*lock_names.of_services([touched], self.target, found), lock_names.of_target(self.target))
        change = Change(what, service, do=(), undo=(), bites=(), gone=())
        plan = Plan(Experiment(self.name, self.target.kind, what), self.target, (change,), places, None, found)
        guard_rails.refuse(plan, ssh_origin.came_by(), os.environ)
        self.console = self.console or Console(self.flags.noninteractive, self.redactor)
        locks = service_lock.Locks(places, self.redactor)
        locks.take(self.name, self.target.name)
        self.held.callback(locks.release)
        proofs = [proof for proof in systems.links(self.target) if proof.service == service]
        self.log_row("linked", link_check.leave(service, proofs, plan, self.flags, self.console)[0])
        with before_anything():
            if self.console.interactive and not self.console.ask(f"{what}. Do it on {self.target.name}?"):
                raise Refused("the operator did not say yes")


def _log(reports: Path, name: str) -> TextIO:
    """A new CSV log, `<name>_<timestamp>.log`, in the reports folder. Raises Refused where it can't be made."""
    title, stamp = name.replace("-", "_"), clock.utc_stamp(clock.utc_now())
    try:
        reports.mkdir(parents=True, exist_ok=True)
        for number in range(1, 100):
            path = reports / f"{title}_{stamp}{f'_{number}' if number > 1 else ''}.log"
            with contextlib.suppress(FileExistsError):
                file = path.open("x", newline="", encoding="utf-8")
                file.write(f"{csv_log.line((title, stamp))}\n")
                return file
    except OSError as error:
        raise Refused(f"{reports} takes no log ({error.strerror}). Name another folder with --reports.") from error
    raise Refused(f"{reports} has a hundred logs of this second")
