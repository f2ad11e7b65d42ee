"""Repeats drills and mutants: `python -m tests.lab.campaign healthy --times 20`, `... mutants --lab gateway --times 5`.

`--on kubernetes` brings the tests' cluster up, and the trader or the flash sale in it: what of them can be had there.
Prints one line per run and a table at the end; journals are kept in the folder that it names. Exit 1 where a run was
not as it must be. The long profile is not for CI: `--profile real`.

Thresholds in milliseconds want a machine at rest. `nice` alone does not make room on Linux with autogroups (see
/proc/sys/kernel/sched_autogroup_enabled): the processor is shared by session, and a lab, a load and a guardian are
sessions of their own.
"""

import argparse
import contextlib
import itertools
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.cluster.cluster import alone
from tests.contract.kubernetes_shop import environment
from tests.lab.drills import Drill, drill, ledger
from tests.lab.lab_driver import LabDriver
from tests.lab.labs import LABS, TRADER, InCluster, Lab, Wanted
from tests.lab.on_kubernetes import load_images, volumes
from tests.processes import guardians, interruptible
from tests.requirements import missing
from tests.services import eventually

# A recovery that never comes is waited for this long; the healthy lab needs a fraction of it.
QUICK_WAIT = {"quick": "12", "real": "90"}
_RESTORED_WITHIN_S = 60.0


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
    with _up(lab, state, "--profile", profile, *mutant.flags) as driver:
        wait, task = QUICK_WAIT[profile], f"{lab.tasks}.{mutant.experiment}"
        done = drill(task, state, reports, *mutant.options, within_s=240, WAIT_READY_TIMEOUT=wait)
        return replace(done, left_broken=driver.left_broken())


@contextlib.contextmanager
def _up(lab: Lab, state: Path, *flags: str) -> Iterator[LabDriver]:
    """The lab is up until the end. A drill that Ctrl-C has killed has a guardian, which comes first."""
    driver = lab.driver(state)
    try:
        yield driver.up(*flags)
    finally:
        eventually(lambda: not guardians(state), _RESTORED_WITHIN_S)
        driver.command("down")


@contextlib.contextmanager
def _cluster(wanted: InCluster, ups: int) -> Iterator[None]:
    """The tests' Kubernetes is the current one until the end, with what a lab takes that is brought up so often at
    most: a volume is one claim's for good."""
    with alone() as cluster, tempfile.TemporaryDirectory(prefix="bs-images-") as folder:
        os.environ.update(environment(cluster.kubeconfig))
        load_images(cluster, wanted.images, Path(folder))
        with volumes(cluster, wanted.volumes * ups):
            yield


def run_healthy(lab: Lab, experiment: str, options: tuple[str, ...], state: Path, reports: Path) -> Drill:
    """One drill on a healthy lab that is up."""
    return drill(f"{lab.tasks}.{experiment}", state, reports, *options, within_s=600)


def main() -> int:
    """Read the command line, repeat, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("healthy", "mutants"))
    parser.add_argument("--lab", choices=sorted(LABS), default=TRADER.name)
    parser.add_argument("--on", choices=("kubernetes",), default="", help="elsewhere than on this machine")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--profile", choices=("quick", "real"), default="quick")
    parser.add_argument("--only", default="", help="names, separated by commas")
    parser.add_argument("--keep", type=Path, default=None, help="where journals are kept")
    options = parser.parse_args()
    interruptible()
    lab, repeat = LABS[options.lab], _mutants if options.what == "mutants" else _healthy
    if options.on and not lab.in_cluster:
        parser.error(f"--on kubernetes: the lab {lab.name} has no manifests")
    if options.on and (lacks := next(filter(None, map(missing, lab.in_cluster.needs)), None)):
        parser.error(f"--on kubernetes: {lacks}")
    keep = options.keep or Path(tempfile.mkdtemp(prefix="blackstart-campaign-"))
    if keep.is_dir() and any(keep.iterdir()):
        parser.error(f"--keep {keep}: it holds an earlier campaign; name an empty or a new folder")
    with contextlib.ExitStack() as stack:
        if options.on:
            stack.enter_context(_cluster(lab.in_cluster, options.times * len(lab.in_cluster.mutants)))
            lab = lab.on_kubernetes()
        runs = repeat(lab, options, keep)
    for name, counts in runs.items():
        print(f"{name:32} {counts['as it must be']:4} of {sum(counts.values())}", flush=True)
    print(f"journals: {keep}")
    if not runs:
        print(f"nothing was run: nothing of the lab {options.lab} is named {options.only}")
        return 1
    return 0 if all(set(counts) == {"as it must be"} for counts in runs.values()) else 1


def _chosen(only: str, name: str) -> bool:
    return not only or name in only.split(",")


def _mutants(lab: Lab, options: argparse.Namespace, keep: Path) -> dict[str, Counter[str]]:
    runs: dict[str, Counter[str]] = {}
    for name in filter(lambda name: _chosen(options.only, name), lab.shown()):
        mutant = lab.wanted(name)
        for number in range(options.times):
            with tempfile.TemporaryDirectory(prefix="bs-") as state:
                done = run_mutant(mutant, Path(state), keep / f"{name}-{number}", options.profile, lab)
                wrong = complaint(mutant, done, Path(state))
            runs.setdefault(name, Counter())[wrong and "wrong" or "as it must be"] += 1
            print(f"{name} {number}: {wrong or 'caught'}", flush=True)
    return runs


def _healthy(lab: Lab, options: argparse.Namespace, keep: Path) -> dict[str, Counter[str]]:
    runs: dict[str, Counter[str]] = {}
    # A pod that was killed is started later by the kubelet each time: there each round has a lab of its own.
    rounds = [[number] for number in range(options.times)] if options.on else [range(options.times)]
    for numbers, (flags, drills) in itertools.product(rounds, lab.healthy):
        with (
            tempfile.TemporaryDirectory(prefix="bs-") as state,
            _up(lab, Path(state), "--profile", options.profile, *flags),
        ):
            for number, (experiment, words) in itertools.product(numbers, drills):
                name = " ".join((experiment, *words))
                if not _chosen(options.only, experiment):
                    continue
                reports = keep / f"{name.replace(' ', '')}-{number}"
                done = run_healthy(lab, experiment, words, Path(state), reports)
                runs.setdefault(name, Counter())["wrong" if done.code else "as it must be"] += 1
                print(f"{name} {number}: exit {done.code}{done.output if done.code else ''}", flush=True)
    return runs


if __name__ == "__main__":
    sys.exit(main())
