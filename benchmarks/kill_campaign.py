"""Kill runs at seeded random instants, and see from outside what becomes of the system: one table.

    python -m benchmarks.kill_campaign [--systems lab,lab-two,lab-broker,gateway,proxied,docker,iptables,kubernetes,
                                                  sale,shop] ...

`--shots 200 --others 20` is the whole campaign (about two hours on two cores); the default is a short one. Shots are
counted by backend: the labs and the fault proxy are one, and share them. What could not be run, or was hit too rarely,
is a failure unless `--allow-missing` is given. The observer imports nothing of Blackstart: it asks the services through
sockets of its own every few milliseconds, reads the ledger as SQLite, the journals as JSON lines and the processes from
/proc. `--chaos PATH` names Chaos Toolkit's `chaos` (pip install chaostoolkit, in an environment of its own). The
disk-full row needs root, for a small tmpfs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks.campaign import accidents, rivals
from benchmarks.campaign.facts import Traces, interruptible, marked
from benchmarks.campaign.observer import Observer, now_s
from benchmarks.campaign.shot import AIMS, UNDER_LOAD, Range, Result
from benchmarks.campaign.systems import BACKENDS, FAULTLESS, SHARES, SYSTEMS, Missing
from tabulate import tabulate

# Of a hundred kills of the runner so many are aimed at each instant; where they fell is counted, not believed.
AIMED = {
    "in force": 44, "inside undo": 16, "between ledger and fault": 16, "guardian starting": 12, "at any time": 12,
}  # fmt: skip
COLUMNS = (
    "system", "accident", "shots", "all well", "fell in force", "ledger–fault", "in undo", "guardian starting",
    "elsewhere", "restored p50", "p99", "longest", "service's own start",
)  # fmt: skip
_TINY_DISK = "6m"
_TRIES = 30
_ENDS_WITHIN_S = 60.0
# Of a hundred kills at least so many must have fallen there, or the campaign shows less than it says.
FLOORS = {"in force": 40, "between ledger and fault": 10, "inside undo": 10, "guardian starting": 5}


# Experiments whose fault is a stop of Redis.
STOPPING = ("leader-lock", "thundering-herd", "stop")


def main() -> int:
    """Fire everything; exit code 1 where anything was not well, but for the rivals, or less was shown than is said."""
    options = _options()
    interruptible()
    results: list[Result] = []
    starts: dict[str, float] = {}
    skipped: list[str] = []
    for name in options.systems.split(","):
        try:
            with _folder(name, options.keep) as folder, _range(name, folder) as place:
                place.system.measure_start()
                starts[name] = place.system.start_s
                results += _campaign(place, folder, options, skipped)
        except Missing as missing:
            skipped.append(f"{name}: {missing}")
    print(tabulate(_rows(results, starts), headers=COLUMNS, floatfmt=".2f"))
    for result in results:
        for fault in result.faults:
            print(f"{result.system}, {result.experiment}, {result.accident}, fell {result.fell or 'nowhere'}: {fault}")
    below = list(_below_floor(results))
    for line in below:
        print(line)
    for reason in skipped:
        print(f"not run: {reason}")
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(result) for result in results], indent=1))
    if not results:
        print("nothing was run: no system, accident or experiment has such a name")
        return 1
    amiss = any(result.faults and ": killed" not in result.accident for result in results)
    return int(amiss or (bool(below or skipped) and not options.allow_missing))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--shots", type=int, default=20, help="kills of the runner on each backend")
    parser.add_argument("--others", type=int, default=4, help="shots of every other accident on each system")
    parser.add_argument("--only", default="", help="only accidents whose name contains this")
    parser.add_argument("--experiment", default="", help="only experiments whose name contains this")
    parser.add_argument(
        "--allow-missing", action="store_true", help="what was not run, or too rarely hit, is no failure"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--chaos", default=shutil.which("chaos") or "", help="Chaos Toolkit's program")
    parser.add_argument("--json", default="", help="write every shot to this file")
    parser.add_argument("--keep", default="", help="keep evidence and state in this folder")
    return parser.parse_args()


@contextlib.contextmanager
def _folder(name: str, keep: str) -> Iterator[Path]:
    if keep:
        kept = Path(keep).absolute() / name
        kept.mkdir(parents=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix=f"campaign-{name}-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _range(name: str, folder: Path) -> Iterator[Range]:
    home, state = folder / "home", folder / "state"
    home.mkdir()
    state.mkdir()
    traces = Traces(state, state / "reports")
    with SYSTEMS[name](home) as system, Observer(system.looks) as observer:
        try:
            yield Range(system, observer, traces)
        finally:  # Ctrl-C does not reach a run, which is a session of its own: it ends before its system does
            until_s = now_s() + _ENDS_WITHIN_S
            while marked(traces.mark) and now_s() < until_s:
                time.sleep(0.1)


def _campaign(place: Range, folder: Path, options: argparse.Namespace, skipped: list[str]) -> Iterator[Result]:
    shots = options.shots * SHARES[place.system.name]
    names = [name for name in place.system.runs if options.experiment in name]
    faulty = [name for name in names if name not in FAULTLESS]
    aims = [(aim, faulty) for aim, share in AIMED.items() for _ in range(max(1, round(shots * share / 100)))]
    # On top of them: an experiment without a fault has no guardian, and no other instants to aim at.
    for name in (name for name in names if name in FAULTLESS):
        aims += [(aim, [name]) for aim in (AIMS[0], UNDER_LOAD) for _ in range(max(1, round(shots / 10)))]
    chance = random.Random(f"{options.seed}/{place.system.name}")
    chance.shuffle(aims)
    hit: Counter[str] = Counter()
    for aim, which in aims if options.only in "runner killed" else ():
        for result in _shot(place, "runner killed", aim, which, hit, chance, skipped):
            hit[result.experiment] += 1
            yield result
    skipped += [f"{place.system.name}, runner killed: {name} was never hit" for name in names if hit and not hit[name]]
    for accident in list(accidents.ACCIDENTS)[1:]:
        if options.only not in accident:
            continue
        with contextlib.ExitStack() as stack:
            if accident == "disk full":
                try:
                    stack.enter_context(_tiny_disk(place.traces.state))
                except Missing as missing:
                    skipped.append(f"{place.system.name}, {accident}: {missing}")
                    continue
            for _ in range(options.others):
                aim = chance.choice(("in force", "in force", "between ledger and fault", "inside undo"))
                aim = "between ledger and fault" if "start in" in accident else aim
                stops = [name for name in faulty if place.system.redis and name.startswith(STOPPING)]
                which = stops if "in a stop" in accident else faulty
                yield from _shot(place, accident, aim, which, Counter(), chance, skipped)
    if place.system.stop_words:
        yield from _rivals(place, folder, options, chance, skipped)


def _shot(
    place: Range, accident: str, aim: str, names: list[str], hit: Counter[str], chance: random.Random,
    skipped: list[str],
) -> Iterator[Result]:  # fmt: skip
    result = None
    for _ in range(_TRIES if names else 0):
        # Those that were hit least come first: each experiment's runner is to be killed.
        experiment = chance.choice([name for name in names if hit[name] == min(hit[other] for other in names)])
        why = f"missed the instant {aim!r}"
        try:
            result = accidents.shoot(place, experiment, accident, aim, chance)
        except Missing as missing:
            why = str(missing)
        if result is not None:
            break
        print(f"{place.system.name}: {experiment}: {why}; again", file=sys.stderr)
    if result is None:
        if names:
            skipped.append(f"{place.system.name}, {accident}: the instant {aim!r} did not come in {_TRIES} tries")
        return
    restored = "never amiss" if not result.restored_s else f"{result.restored_s:.2f} s"
    said = "; ".join(result.faults) or "all well"
    print(
        f"{result.system:9} {accident:32} {result.experiment:28} {result.fell:26} {restored:12} {said}", file=sys.stderr
    )
    yield result


def _rivals(
    place: Range, folder: Path, options: argparse.Namespace, chance: random.Random, skipped: list[str]
) -> Iterator[Result]:
    known = {"bash with a trap": rivals.bash_with_a_trap}
    if options.chaos:
        known["Chaos Toolkit"] = partial(rivals.chaos_toolkit, chaos=options.chaos)
    elif options.only in "Chaos Toolkit: killed":
        skipped.append("Chaos Toolkit: no `chaos` on PATH; name it with --chaos")
    for name, command in known.items():
        if options.only in f"{name}: killed":
            for _ in range(options.others):
                yield rivals.shoot(place, name, command, folder, chance)


@contextlib.contextmanager
def _tiny_disk(path: Path) -> Iterator[None]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_TINY_DISK},mode=0700", "tmpfs", path],
        capture_output=True,
        timeout=10,
        check=False,
    )
    if mounted.returncode or os.geteuid():
        raise Missing(f"no tmpfs can be mounted: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], timeout=10, check=True)


def _rows(results: list[Result], starts: dict[str, float]) -> list[tuple[object, ...]]:
    rows = []
    for system, accident in dict.fromkeys((result.system, result.accident) for result in results):
        group = [result for result in results if (result.system, result.accident) == (system, accident)]
        fell = [result.fell for result in group]
        counted = [fell.count(where) for where in ("in force", "between ledger and fault", "inside undo", AIMS[1])]
        times = sorted(result.restored_s for result in group if result.restored_s)
        rows.append((
            system, accident, len(group), sum(not result.faults for result in group), *counted,
            len(group) - sum(counted), *_figures(times), starts.get(system, 0.0) or "",
        ))  # fmt: skip
    return rows


def _below_floor(results: list[Result]) -> Iterator[str]:
    for backend in dict.fromkeys(BACKENDS.values()):
        shots = [result for result in results if BACKENDS[result.system] == backend]
        kills = [result for result in shots if result.accident == "runner killed"]
        fell = [result.fell for result in kills if result.experiment not in FAULTLESS]
        for where, percent in FLOORS.items():
            if fell and fell.count(where) * 100 < percent * len(fell):
                yield f"{backend}: only {fell.count(where)} of {len(fell)} kills fell {where!r}, wanted {percent} %"


def _figures(times: list[float]) -> tuple[object, object, object]:
    if not times:
        return "", "", ""
    ninety_nine = times[min(len(times) - 1, int(len(times) * 0.99))]
    return statistics.median(times), ninety_nine, times[-1]


if __name__ == "__main__":
    sys.exit(main())
