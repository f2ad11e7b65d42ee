"""Repeats drills and mutants: `python -m tests.lab.campaign healthy --times 20`, `... mutants --lab gateway --times 5`.

Prints one line per run and a table at the end; journals are kept in the folder that it names. Exit 1 where a run was
not as it must be. The long profile is not for CI: `--profile real`.

Thresholds in milliseconds want a machine at rest. `nice` alone does not make room on Linux with autogroups (see
/proc/sys/kernel/sched_autogroup_enabled): the processor is shared by session, and a lab, a load and a guardian are
sessions of their own.
"""

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

from tests.lab.drills import Drill, drill, ledger
from tests.lab.labs import LABS, TRADER, Lab, Wanted

# A recovery that never comes is waited for this long; the healthy lab needs a fraction of it.
QUICK_WAIT = {"quick": "12", "real": "90"}


def wanted(name: str, lab: Lab = TRADER) -> Wanted:
    """The declaration of a mutant."""
    return lab.wanted(name)


def complaint(mutant: Wanted, done: Drill, state: Path) -> str:
    """What is wrong with this run of a mutant; "" where it was caught as declared."""
    if done.code != 20:
        return f"exit {done.code}\n{done.output}"
    failed = done.failed()
    missing, extra = mutant.must_fail - failed, failed - mutant.must_fail - mutant.may_fail
    if missing or extra:
        return f"not failed: {sorted(missing)}; failed besides: {sorted(extra)}\n{done.output}"
    if done.left_broken:
        return f"not restored: {done.left_broken}"
    return f"left in the ledger: {ledger(state)}" if ledger(state) else ""


def run_mutant(mutant: Wanted, state: Path, reports: Path, profile: str = "quick", lab: Lab = TRADER) -> Drill:
    """Bring the mutant up, run its drill, take it down."""
    driver = lab.driver(state).up("--profile", profile, *mutant.flags)
    try:
        wait = QUICK_WAIT[profile]
        done = drill(f"{lab.tasks}.{mutant.experiment}", state, reports, *mutant.options, WAIT_READY_TIMEOUT=wait)
        return replace(done, left_broken=driver.left_broken())
    finally:
        driver.command("down")


def run_healthy(lab: Lab, experiment: str, options: tuple[str, ...], state: Path, reports: Path) -> Drill:
    """One drill on a healthy lab that is up."""
    return drill(f"{lab.tasks}.{experiment}", state, reports, *options, within_s=600)


def main() -> int:
    """Read the command line, repeat, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("healthy", "mutants"))
    parser.add_argument("--lab", choices=sorted(LABS), default=TRADER.name)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--profile", choices=("quick", "real"), default="quick")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--keep", type=Path, default=None, help="where journals are kept")
    options = parser.parse_args()
    keep = options.keep or Path(tempfile.mkdtemp(prefix="blackstart-campaign-"))
    if keep.is_dir() and any(keep.iterdir()):
        parser.error(f"--keep {keep}: it holds an earlier campaign; name an empty or a new folder")
    runs = _mutants(options, keep) if options.what == "mutants" else _healthy(options, keep)
    for name, counts in runs.items():
        print(f"{name:32} {counts['as it must be']:4} of {sum(counts.values())}", flush=True)
    print(f"journals: {keep}")
    if not runs:
        print(f"nothing was run: nothing of the lab {options.lab} is named {options.only}")
        return 1
    return 0 if all(set(counts) == {"as it must be"} for counts in runs.values()) else 1


def _chosen(only: str, name: str) -> bool:
    return not only or name in only.split(",")


def _mutants(options: argparse.Namespace, keep: Path) -> dict[str, Counter[str]]:
    lab = LABS[options.lab]
    runs: dict[str, Counter[str]] = {}
    for name in filter(lambda name: _chosen(options.only, name), lab.mutants.names()):
        mutant = lab.wanted(name)
        for number in range(options.times):
            with tempfile.TemporaryDirectory(prefix="bs-") as state:
                done = run_mutant(mutant, Path(state), keep / f"{name}-{number}", options.profile, lab)
                wrong = complaint(mutant, done, Path(state))
            runs.setdefault(name, Counter())[wrong and "wrong" or "as it must be"] += 1
            print(f"{name} {number}: {wrong or 'caught'}", flush=True)
    return runs


def _healthy(options: argparse.Namespace, keep: Path) -> dict[str, Counter[str]]:
    lab = LABS[options.lab]
    runs: dict[str, Counter[str]] = {}
    for flags, drills in lab.healthy:
        with tempfile.TemporaryDirectory(prefix="bs-") as state:
            driver = lab.driver(Path(state)).up("--profile", options.profile, *flags)
            try:
                for number in range(options.times):
                    for experiment, words in drills:
                        name = " ".join((experiment, *words))
                        if not _chosen(options.only, experiment):
                            continue
                        reports = keep / f"{name.replace(' ', '')}-{number}"
                        done = run_healthy(lab, experiment, words, Path(state), reports)
                        runs.setdefault(name, Counter())["wrong" if done.code else "as it must be"] += 1
                        print(f"{name} {number}: exit {done.code}{done.output if done.code else ''}", flush=True)
            finally:
                driver.command("down")
    return runs


if __name__ == "__main__":
    sys.exit(main())
