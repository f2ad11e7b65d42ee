"""Repeats drills and mutants: `python -m tests.lab.campaign healthy --times 20`, `... mutants --times 5`.

Prints one line per run and a table at the end; journals are kept in the folder that it names. Exit 1 where a run was
not as it must be. The long profile is not for CI: `--profile real`.
"""

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from blackstart_lab.trader import mutants
from tests.lab.drills import Drill, drill, ledger
from tests.lab.lab_driver import LabDriver

# A recovery that never comes is waited for this long; the healthy lab needs a fraction of it.
QUICK_WAIT = {"quick": "12", "real": "90"}
HEALTHY = (
    ("leader-lock", ()),
    ("postgres-blip", ()),
    ("postgres-blip", ("--freeze",)),
    ("rate-limit-spike", ()),
)
TWO_INSTANCES = (("leader-lock", ("--bounce",)), ("leader-lock", ("--freeze-leader",)))


@dataclass
class Wanted:
    """What a mutant's file says of it."""

    name: str
    experiment: str
    options: tuple[str, ...]
    instances: int
    must_fail: frozenset[str]
    may_fail: frozenset[str]


def wanted(name: str) -> Wanted:
    """The declaration of a mutant."""
    told = mutants.load(name)
    return Wanted(
        name,
        told.experiment,
        tuple(f"--{option}" for option in told.options),
        told.instances,
        frozenset(told.must_fail),
        frozenset(told.may_fail),
    )


def complaint(mutant: Wanted, done: Drill, state: Path) -> str:
    """What is wrong with this run of a mutant; "" where it was caught as declared."""
    if done.code != 20:
        return f"exit {done.code}\n{done.output}"
    failed = done.failed()
    missing, extra = mutant.must_fail - failed, failed - mutant.must_fail - mutant.may_fail
    if missing or extra:
        return f"not failed: {sorted(missing)}; failed besides: {sorted(extra)}\n{done.output}"
    return f"left in the ledger: {ledger(state)}" if ledger(state) else ""


def run_mutant(mutant: Wanted, state: Path, reports: Path, profile: str = "quick") -> Drill:
    """Bring the mutant up, run its drill, take it down."""
    lab = LabDriver(state).up("--profile", profile, "--mutant", mutant.name, "--instances", str(mutant.instances))
    try:
        wait = QUICK_WAIT[profile]
        return drill(f"chaos.{mutant.experiment}", state, reports, *mutant.options, WAIT_READY_TIMEOUT=wait)
    finally:
        lab.command("down")


def run_healthy(experiment: str, options: tuple[str, ...], state: Path, reports: Path) -> Drill:
    """One drill on a healthy lab that is up."""
    return drill(f"chaos.{experiment}", state, reports, *options, within_s=600)


def main() -> int:
    """Read the command line, repeat, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("healthy", "mutants"))
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--profile", choices=("quick", "real"), default="quick")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--keep", type=Path, default=None, help="where journals are kept")
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="blackstart-campaign-"))
    runs = _mutants(options, keep) if options.what == "mutants" else _healthy(options, keep)
    for name, counts in runs.items():
        print(f"{name:32} {counts['as it must be']:4} of {sum(counts.values())}", flush=True)
    print(f"journals: {keep}")
    return 0 if all(set(counts) == {"as it must be"} for counts in runs.values()) else 1


def _chosen(only: str, name: str) -> bool:
    return not only or name in only.split(",")


def _mutants(options: argparse.Namespace, keep: Path) -> dict[str, Counter[str]]:
    runs: dict[str, Counter[str]] = {}
    for name in filter(lambda name: _chosen(options.only, name), mutants.names()):
        mutant = wanted(name)
        for number in range(options.times):
            with tempfile.TemporaryDirectory(prefix="bs-") as state:
                reports = keep / f"{name}-{number}"
                done = run_mutant(mutant, Path(state), reports, options.profile)
                wrong = complaint(mutant, done, Path(state))
            runs.setdefault(name, Counter())[wrong and "wrong" or "as it must be"] += 1
            print(f"{name} {number}: {wrong or 'caught'}", flush=True)
    return runs


def _healthy(options: argparse.Namespace, keep: Path) -> dict[str, Counter[str]]:
    runs: dict[str, Counter[str]] = {}
    for instances, drills in ((1, HEALTHY), (2, TWO_INSTANCES)):
        with tempfile.TemporaryDirectory(prefix="bs-") as state:
            lab = LabDriver(Path(state)).up("--profile", options.profile, "--instances", str(instances))
            try:
                for number in range(options.times):
                    for experiment, words in drills:
                        name = " ".join((experiment, *words))
                        if not _chosen(options.only, experiment):
                            continue
                        reports = keep / f"{name.replace(' ', '')}-{number}"
                        done = run_healthy(experiment, words, Path(state), reports)
                        runs.setdefault(name, Counter())["wrong" if done.code else "as it must be"] += 1
                        print(f"{name} {number}: exit {done.code}{done.output if done.code else ''}", flush=True)
            finally:
                lab.command("down")
    return runs


if __name__ == "__main__":
    sys.exit(main())
