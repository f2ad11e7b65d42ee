"""`linearizable` over a history on disk, as a run's judge asks it: one table of figures.

    python benchmarks/linearizability.py [--operations 100000] [--keys 1000] [--rounds 3] [--goal-s 5]

Each row is one model. The history is made by carrying out one operation at a time on each key and telling each as
lasting longer than it did, so that about four of one key overlap; of one in a hundred that write, the answer was lost.
In `broke` one answer of the whole history is another one. Seconds are of the check as a whole: DuckDB reads the file,
the search looks at every key, and the contradiction is made small; wall is the least of the rounds (what the machine
does beside it only adds), CPU is of that round. Exits 1 where that is above the goal, in any row.
Memory is the peak that the kernel saw, of a process for each round.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tabulate import tabulate

MODELS = ("register", "list", "idempotency")
# A detail is 160 characters at most, and so is a list that can be read whole.
VALUES, LONGEST = "abcdefgh", 30
GOAL_S = 5.0


def made(path: Path, model: str, operations: int, keys: int, broken: bool) -> None:
    """A history of so many operations, as the load writes it."""
    from blackstart.evidence.history import Row  # noqa: PLC0415
    from blackstart.evidence.history_writer import HistoryWriter  # noqa: PLC0415

    dice = random.Random(model)
    with HistoryWriter(path) as writer:
        for number in range(keys):
            held: Any = None
            for at in range(operations // keys):
                op, detail, status, held = carried_out(model, held, at, dice)
                start_s, end_s = 1000 + at - dice.uniform(0, 2), 1000 + at + dice.uniform(0, 2)
                lost = op.startswith("put") and dice.random() < 0.01
                if broken and number == keys // 2 and at == operations // keys - 1:
                    op, detail, status, lost = "get" if model != "idempotency" else op, '["z"]', 200, False
                outcome: Any = "info" if lost else "fail" if status == 409 else "ok"
                writer.append(Row(op, f"k-{number}", 1, start_s, start_s, end_s, outcome, status, "", detail, "load/0"))


def carried_out(model: str, held: Any, at: int, dice: random.Random) -> tuple[str, str, int, Any]:
    """The operation, its detail, its status, and what the key holds then."""
    value = dice.choice(VALUES)
    if model == "idempotency":
        op = f"new-{dice.choice(VALUES[:2])}"
        if held is None:
            return op, f"s-{at}", 201, (op, f"s-{at}")
        return (op, held[1], 200, held) if op == held[0] else (op, "", 409, held)
    held = held or []
    if dice.random() < 0.5 or (model == "list" and len(held) >= LONGEST):
        return "get", (json.dumps(held) if model == "list" else held[-1]) if held else "null", 200, held
    return f"put-{value}", "", 200, [*held, value]


def judged(path: Path, model: str, expected: str) -> dict[str, float]:
    """What the check takes. Exits where it says anything but what is expected."""
    from blackstart.evidence import history  # noqa: PLC0415
    from blackstart.evidence.journal import Record  # noqa: PLC0415
    from blackstart.verdict.checks.linearizable import linearizable  # noqa: PLC0415
    from blackstart.verdict.checks.recorded import Recorded  # noqa: PLC0415

    load = {"event": "load", "summary": {"intended": 1, "sent": 1, "unsent": 0}}
    writes = {f"put-{value}": value for value in VALUES}
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    result = linearizable(Recorded(history.read(path), Record((load,))), model=model, reads=["get"], writes=writes)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    if result.verdict != expected:
        sys.exit(f"{model} should be {expected}: {result}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall_s": wall_s, "cpu_s": cpu_s, "peak_mb": peak_mb}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--keys", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--goal-s", type=float, default=GOAL_S)
    parser.add_argument("--one", nargs=3, metavar=("FILE", "MODEL", "VERDICT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(judged(Path(options.one[0]), *options.one[1:])))
        return 0
    table, above = [], []
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            for expected in ("held", "broke"):
                path = Path(folder, f"{model}-{expected}.csv")
                made(path, model, options.operations, options.keys, expected == "broke")
                command = [sys.executable, __file__, "--one", str(path), model, expected]
                rounds = [json.loads(subprocess.check_output(command)) for _ in range(options.rounds)]
                best = min(rounds, key=lambda one: one["wall_s"])
                table.append(
                    (model, expected, *(f"{best[name]:.2f}" for name in ("wall_s", "cpu_s")), round(best["peak_mb"]))
                )
                if best["cpu_s"] > options.goal_s:
                    above.append(f"{model} ({expected})")
                path.unlink()
    print(f"{options.operations} operations on {options.keys} keys; the goal is {options.goal_s:g} s of CPU")
    print(tabulate(table, ("model", "verdict", "wall s", "CPU s", "peak MB")))
    if above:
        print(f"above the goal: {', '.join(above)}", file=sys.stderr)
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
