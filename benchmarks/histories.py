"""A history of millions of requests judged, beside DuckDB's own query, pandas and plain Python: one table of figures.

    python benchmarks/histories.py [--rows 1000000,5000000] [--rounds 3] [--plain-up-to 1000000] [--goal 1.5]

Each contender is a process of its own that reads the same file. `checks` is what a run's judge and reports ask:
percentiles by phase and outcome, requests over time, exactly once, no oversell, no lost write, with the keys of the
final state as the journal has them. `once` is DuckDB alone, which reads the file into a table and asks that two
queries, for percentiles by outcome and for keys that occur twice; `bare` asks the file itself the same two. It parses
the file twice, but keeps of it only what it is asked for, and is the faster one. The goal is held against `once`,
which keeps the requests for any question, as `checks` does; the ratio to `bare` is told beside it, and is above the
goal. `pandas` (where it is installed) and `plain` (rows as tuples, keys in dictionaries: how the checks were once) come
to the same figures as `checks`. Rounds are interleaved; a ratio is the median of the ratios of one round. Seconds count
from the start of each process's work, with its imports; memory is the peak that the kernel saw. Exits 1 where `checks`
is above the goal, or takes more memory than 600 MB for five million requests or fewer.

In the file a fifth of the keys have two attempts, the first without an answer, and a fifth is accepted, as in a sale
that most find sold out; three accepted ones are lost, two are there twice, and ten more are sold than there were.
`checks`, `pandas` and `plain` must find exactly these.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from tabulate import tabulate

LOST, TWICE, OVERSOLD = 3, 2, 10
RATE_PER_S = 5000.0
GOAL, MOST_MB, FEW = 1.5, 600, 5_000_000
THREADS = 2

Found = tuple[int, int, int]  # lost, twice, oversold


def made(folder: Path, rows: int) -> Path:
    """A history of so many requests, and beside it what the store holds in the end."""
    import duckdb  # noqa: PLC0415

    path = folder / f"{rows}.csv"
    due = f"1000 + i / {RATE_PER_S}"
    db = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(folder)})
    db.execute(
        f"""COPY (SELECT 'order' AS op, 'orders-7f3a-' || key AS key, attempt, printf('%.6f', {due}) AS intended_s,
        printf('%.6f', {due} + 0.0001) AS start_s, printf('%.6f', {due} + 0.0011 + h % 4000 / 1e5) AS end_s,
        CASE WHEN h % 10 < 2 THEN 'ok' WHEN h % 100 = 99 THEN 'info' ELSE 'fail' END AS outcome,
        CASE WHEN h % 10 < 2 THEN 200 WHEN h % 100 = 99 THEN NULL WHEN h % 10 < 6 THEN 302 ELSE 409 END AS status,
        'api-' || h % 3 AS instance, CASE WHEN h % 10 < 2 THEN 'success' WHEN h % 100 = 99 THEN 'timed out after 8 s'
        WHEN h % 10 < 6 THEN NULL ELSE 'sold_out' END AS detail, 'orders/0' AS worker
        FROM (SELECT i, i - (i + 1) // 6 AS key, CASE WHEN i % 6 = 5 THEN 2 ELSE 1 END AS attempt,
        CASE WHEN i % 6 = 4 THEN 99 ELSE hash(i) % 1000000 END AS h FROM range({rows}) r(i))) TO '{path}' (HEADER)"""
    )
    kept = [key for (key,) in db.execute(f"SELECT key FROM '{path}' WHERE outcome = 'ok'").fetchall()]
    stored = [*kept[LOST:], *kept[-TWICE:]]
    path.with_suffix(".keys").write_text(json.dumps(stored))
    path.with_suffix(".stock").write_text(str(len(stored) - OVERSOLD))
    return path


def phases(rows: int) -> dict[str, tuple[float, float]]:
    lasted_s = rows / RATE_PER_S
    return {"baseline": (1000, 1000 + lasted_s / 5), "fault": (1000 + lasted_s / 5, 1000 + lasted_s)}


def final(path: Path) -> tuple[str, int]:
    return path.with_suffix(".keys").read_text(), int(path.with_suffix(".stock").read_text())


# ---------------------------------------------------------------- the contenders


def checks(path: Path, rows: int) -> Found:
    from blackstart.evidence import history  # noqa: PLC0415
    from blackstart.evidence.journal import Record  # noqa: PLC0415
    from blackstart.reports.load_view import buckets, by_phase  # noqa: PLC0415
    from blackstart.reports.story import Phase  # noqa: PLC0415
    from blackstart.verdict.checks.exactly_once import exactly_once  # noqa: PLC0415
    from blackstart.verdict.checks.no_lost_write import no_lost_write  # noqa: PLC0415
    from blackstart.verdict.checks.no_oversell import no_oversell  # noqa: PLC0415
    from blackstart.verdict.checks.recorded import Recorded  # noqa: PLC0415

    keys, stock = final(path)
    evidence = Recorded(
        history.read(path), Record(({"event": "final", "probe": "keys", "kind": "value", "value": keys},))
    )
    shown = [Phase(name, *times) for name, times in phases(rows).items()]
    by_phase(evidence.history, shown)
    buckets(evidence.history, 1000, 1000 + rows / RATE_PER_S)
    once, lost, sold = (
        exactly_once(evidence),
        no_lost_write(evidence),
        no_oversell(evidence, initial=stock),
    )
    assert {once.verdict, lost.verdict, sold.verdict} == {"broke"}, (once, lost, sold)
    twice = int(once.message.split("; ")[1].split()[0])
    return int(lost.message.split()[0]), twice, int(sold.message.split()[0]) - stock


def bare(path: Path, rows: int) -> None:
    queries(_read(path))


def once(path: Path, rows: int) -> None:
    queries("requests", f"CREATE TEMP TABLE requests AS FROM {_read(path)}")


def queries(table: str, *first: str) -> None:
    import duckdb  # noqa: PLC0415

    db = duckdb.connect(config={"threads": THREADS})
    for statement in first:
        db.execute(statement)
    shares = "[0.5, 0.95, 0.99, 1.0]"
    db.execute(f"SELECT outcome, quantile_disc(end_s - intended_s, {shares}) FROM {table} GROUP BY outcome").fetchall()
    db.execute(f"SELECT count(*) FROM (SELECT key FROM {table} GROUP BY key HAVING count(*) > 1)").fetchall()


def _read(path: Path) -> str:
    kinds = (
        "{op: 'VARCHAR', key: 'VARCHAR', attempt: 'INTEGER', intended_s: 'DOUBLE', start_s: 'DOUBLE', end_s: 'DOUBLE', "
        "outcome: 'VARCHAR', status: 'INTEGER', instance: 'VARCHAR', detail: 'VARCHAR', worker: 'VARCHAR'}"
    )
    return f"read_csv('{path}', header = true, columns = {kinds})"


def pandas(path: Path, rows: int) -> Found:
    import pandas as pd  # noqa: PLC0415

    keys, stock = final(path)
    frame = pd.read_csv(path, dtype={"status": "Int64"}, keep_default_na=False, na_values={"status": [""]})
    frame["ms"] = (frame.end_s - frame.intended_s) * 1000
    frame["phase"] = frame.intended_s >= phases(rows)["fault"][0]
    frame.groupby(["phase", "op", "outcome"]).ms.quantile([0.5, 0.95, 0.99, 1.0], interpolation="higher")
    frame.groupby([(frame.intended_s // 1).astype(int), "outcome"]).size()
    best = frame.assign(rank=frame.outcome.map({"ok": 0, "info": 1, "fail": 2})).groupby("key")["rank"].min()
    there = pd.Series(json.loads(keys)).value_counts()
    counts = there.reindex(best.index, fill_value=0)
    assert not (counts[best == 2] > 0).any()
    return int((counts[best == 0] == 0).sum()), int((counts > 1).sum()), int(there.sum()) - stock


def plain(path: Path, rows: int) -> Found:
    keys, stock = final(path)
    fault_s = phases(rows)["fault"][0]
    waits: dict[tuple[bool, str, str], list[float]] = defaultdict(list)
    fates: dict[str, list[str]] = {}
    over_time: Counter[tuple[int, str]] = Counter()
    with path.open(newline="") as file:
        read = csv.reader(file)
        next(read)
        kept = [
            (op, key, int(a), float(due), float(s), float(e), out, *rest) for op, key, a, due, s, e, out, *rest in read
        ]
    for op, key, _, due_s, _, end_s, outcome, *_ in kept:
        waits[due_s >= fault_s, op, outcome].append((end_s - due_s) * 1000)
        over_time[int(due_s), outcome] += 1
        fates.setdefault(key, []).append(outcome)
    for values in waits.values():
        values.sort()
    there = Counter(json.loads(keys))
    known = {key: min(seen, key=("ok", "info", "fail").index) for key, seen in fates.items()}
    lost = sum(fate == "ok" and not there[key] for key, fate in known.items())
    return lost, sum(there[key] > 1 for key in known), sum(there.values()) - stock


CONTENDERS: dict[str, Callable[[Path, int], Found | None]] = {
    "bare": bare, "once": once, "checks": checks, "pandas": pandas, "plain": plain,
}  # fmt: skip


# ---------------------------------------------------------------- how they are asked


def play(name: str, path: Path, rows: int) -> None:
    """One contender, in a process of its own: says what it took."""
    began_s = time.perf_counter()
    found = CONTENDERS[name](path, rows)
    lasted_s = time.perf_counter() - began_s
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    told = {"s": lasted_s, "cpu_s": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / unit}
    print(json.dumps({**told, "right": found in (None, (LOST, TWICE, OVERSOLD))}))


def asked(name: str, path: Path, rows: int) -> dict[str, float]:
    argv = [sys.executable, __file__, "--play", name, "--file", str(path), "--rows", str(rows)]
    figures: dict[str, float] = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
    if not figures["right"]:
        raise SystemExit(f"{name} did not find what was planted")
    return figures


def measured(path: Path, rows: int, names: list[str], rounds: int, goal: float) -> list[list[object]]:
    seen: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number in range(rounds):
        for name in names[:: 1 if number % 2 else -1]:
            seen[name].append(asked(name, path, rows))
            print(f"{rows} {name}: {seen[name][-1]}", file=sys.stderr)
    made = []
    for name in names:
        once_s, once_cpu_s, bare_s, bare_cpu_s = (
            statistics.median(a[what] / b[what] for a, b in zip(seen[name], seen[yardstick], strict=True))
            for yardstick in ("once", "bare")
            for what in ("s", "cpu_s")
        )
        s, cpu_s, mb = (statistics.median(one[what] for one in seen[name]) for what in ("s", "cpu_s", "mb"))
        met = ("yes" if once_s <= goal and (mb <= MOST_MB or rows > FEW) else "NO") if name == "checks" else ""
        made.append([rows, name, s, cpu_s, 1e6 * s / rows, mb, once_s, once_cpu_s, bare_s, bare_cpu_s, met])
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", default="1000000,5000000", help="how many requests, comma-separated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain-up-to", type=int, default=1_000_000, help="plain Python takes 1 GB for a million")
    parser.add_argument("--goal", type=float, default=GOAL, help="how many times as long as `once` it may take")
    parser.add_argument("--play", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.play:
        play(chosen.play, chosen.file, int(chosen.rows))
        return 0
    table: list[list[object]] = []
    with tempfile.TemporaryDirectory(prefix="histories-") as folder:
        for rows in map(int, chosen.rows.split(",")):
            path = made(Path(folder), rows)
            names = ["bare", "once", "checks"]
            names += ["pandas"] if importlib.util.find_spec("pandas") and rows <= 5 * chosen.plain_up_to else []
            names += ["plain"] if rows <= chosen.plain_up_to else []
            table += measured(path, rows, names, chosen.rounds, chosen.goal)
            path.unlink()
    ratios = ["÷ once", "CPU ÷ once", "÷ bare", "CPU ÷ bare"]
    heads = ["requests", "who", "s", "CPU s", "µs each", "peak MB", *ratios, f"≤ {chosen.goal:g}, ≤ {MOST_MB} MB"]
    print(tabulate(table, heads, floatfmt=".2f"))
    above = [f"{row[0]} requests" for row in table if row[-1] == "NO"]
    if above:
        print(f"above the goal: {', '.join(above)}", file=sys.stderr)
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
