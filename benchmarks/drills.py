"""What the drills of the trader cost and how exact they are: one table of figures and ratios, all in one run.

    python benchmarks/drills.py [--only a,b,c,d,e] [--runs 20] [--rounds 15]

  a  error of the times of transitions against the app's own log, with the runner's CPU share
  b  wall time of leader-lock beyond the system's own times and the declared hold
  c  `invoke --list` against a file with one task
  d  `lab.up trader`, first and later
  e  the same drill driven by Chaos Toolkit, installed from the package index into a folder of its own

Each part's module in `benchmarks/drilling` says exactly what is measured. Nothing but this project's environment is
needed; (e) needs the package index. Other work on the machine makes all times longer: read the ratios and the load.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "lib")]

from benchmarks.drilling import commands, rival, transitions  # noqa: E402  (the path is set just above)
from tabulate import tabulate  # noqa: E402

_COLUMNS = ("figure", "measured", "beside", "goal")


def main() -> None:
    """Measure what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="a,b,c,d,e", help="which parts, separated by commas")
    parser.add_argument("--runs", type=int, default=20, help="drills for (a) and (b)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of (c)")
    parser.add_argument("--ups", type=int, default=3, help="rounds of (d)")
    options = parser.parse_args()
    wanted = set(options.only.split(","))
    print(f"{os.cpu_count()} cores, load {_load()} before", flush=True)
    rows: list[tuple[str, str, str, str]] = []
    if wanted & {"a", "b"}:
        figures = transitions.measure(options.runs)
        rows += transitions.rows_a(figures) if "a" in wanted else []
        rows += transitions.rows_b(figures) if "b" in wanted else []
    if "c" in wanted:
        rows += commands.listing(options.rounds)
    if "d" in wanted:
        rows += commands.lab_up(options.ups)
    if rows:
        print(tabulate(rows, headers=_COLUMNS, disable_numparse=True), flush=True)
    if "e" in wanted:
        print(rival.table(), flush=True)
    print(f"load {_load()} after")


def _load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


if __name__ == "__main__":
    main()
