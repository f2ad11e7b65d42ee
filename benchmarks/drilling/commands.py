"""(c) What listing costs beside a file with one task, and (d) how long the lab takes to come up."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.drilling import place
from benchmarks.drilling.place import INVOKE, ROOT, now_s

from blackstart.tasks import namespace

_ONE_TASK = '''from invoke import task


@task
def only(c):
    """The only one."""
'''


def listing(rounds: int) -> list[tuple[str, str, str, str]]:
    """`invoke --list` here, beside a file with one task, and beside one with as many tasks and options as there are
    here that do nothing: what Invoke itself takes for them. In turns, so that a busy machine disturbs all alike."""
    with tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
        places = {"ours": ROOT}
        for name, text in (("one task", _ONE_TASK), ("as many", _as_many())):
            places[name] = Path(folder) / name
            places[name].mkdir()
            (places[name] / "tasks.py").write_text(text, encoding="utf-8")
        times_s: dict[str, list[float]] = {name: [] for name in places}
        for number in range(rounds + 1):
            for name, where in places.items():
                took_s = _list(where)
                if number:  # the first of each only warms the caches
                    times_s[name].append(took_s)
    ours, one, many = (median(times_s[name]) for name in ("ours", "one task", "as many"))
    return [
        ("(c) invoke --list", f"{ours / one:.2f} times", f"{ours * 1000:.0f} ms to {one * 1000:.0f} ms", "<= 1.5"),
        ("    beside as many tasks that do nothing", f"{ours / many:.2f} times", f"to {many * 1000:.0f} ms", ""),
    ]


def _as_many() -> str:
    """The text of a tasks.py with tasks of the same number, with as many options each, in as many collections."""
    lines = ["from invoke import Collection, task", "namespace = Collection()"]
    for collection in namespace().collections.values():
        named = f"c{len(lines)}"
        lines.append(f"{named} = Collection({named!r})")
        for each in collection.tasks.values():
            made = f"t{len(lines)}"
            switches = [argument.kind is bool for argument in each.get_arguments()]
            options = "".join(f", o{number}={'False' if one else 'None'}" for number, one in enumerate(switches))
            says = {f"o{number}": "says what it is" for number in range(len(switches))}
            lines.append(f"def {made}(c{options}):\n    'Does nothing.'")
            lines.append(f"{named}.add_task(task({made}, help={says!r}, auto_shortflags=False))")
        lines.append(f"namespace.add_collection({named})")
    return "\n".join(lines)


def yardstick() -> float:
    """The wall time of `invoke --list` beside a file with one task: what this machine takes for a start, just now."""
    with tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
        (Path(folder) / "tasks.py").write_text(_ONE_TASK, encoding="utf-8")
        return _list(Path(folder))


def _list(where: Path) -> float:
    began_s = now_s()
    subprocess.run([INVOKE, "--list"], cwd=where, stdout=subprocess.DEVNULL, timeout=60, check=True)
    return now_s() - began_s


def lab_up(rounds: int) -> list[tuple[str, str, str, str]]:
    """`invoke lab.up trader` in a new state folder, and again after `lab.down` in the same one."""
    first_s, later_s = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
            state = Path(folder)
            for times_s in (first_s, later_s):
                try:
                    times_s.append(place.bring(state, "up", "trader"))
                finally:
                    place.bring(state, "down")
    first, later = median(first_s), median(later_s)
    return [
        ("(d) lab.up, new state folder", f"{first:.2f} s", f"slowest {max(first_s):.2f} s", "<= 5 s"),
        ("(d) lab.up, later", f"{later:.2f} s", f"slowest {max(later_s):.2f} s; {later / first:.2f} times", "<= 3 s"),
    ]
