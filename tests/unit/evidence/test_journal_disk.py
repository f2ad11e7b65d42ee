"""The record is never in the way: full disks, killed writers, events without words, many threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from blackstart.evidence.journal import Journal, Record, read
from tests.unit.builders import all_readings, reading


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def written(path: Path, *events: dict[str, Any]) -> Record:
    journal = Journal(path)
    for event in events:
        journal.write("step", **event)
    journal.close()
    return read(path)


class Untellable:
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("fields", [{"x": Untellable()}, {"x": {("a", "b"): 1}}])
def test_an_event_that_cannot_be_told_is_recorded_all_the_same(path: Path, fields: dict[str, Any]) -> None:
    record = written(path, fields, {"next": 1})
    assert record.damage == ""
    assert "untold" in record.events[0]
    assert record.events[1]["next"] == 1


def test_a_scrubber_that_fails_does_not_stop_the_record(path: Path) -> None:
    def scrub(data: Any) -> Any:
        raise ValueError("no")

    journal = Journal(path, scrub)
    journal.write("do", what="stop redis", sync=True)
    journal.close()
    assert read(path).events[0]["event"] == "do"


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from blackstart.evidence.journal import Journal, read
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
journal = Journal(path)
journal.write("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
for number in range(5):
    journal.write("lost", number=number, text="x" * 50, sync=True)
assert journal.failure is not None
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.write("gone", ok=True, sync=True)
journal.close()
record = read(path)
print([e["event"] for e in record.events], bool(record.damage))
"""


def python(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", program, *words], env=env, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_full_disk_that_has_room_again_loses_only_what_was_full(path: Path) -> None:
    done = python(FULL_DISK, str(path))
    assert (done.stdout, done.stderr) == ("['before', 'gone'] True\n", "")


EVERY_ROOM = """
import resource, signal, sys
from pathlib import Path
from blackstart.evidence.journal import Journal, read
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder, told = Path(sys.argv[1]), set()
for room in range(1, 250):
    journal = Journal(folder / f"{room}.jsonl")
    journal.write("before")
    size = journal.path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, resource.RLIM_INFINITY))
    journal.write("full", text="x" * 20)
    journal.write("full", text="x" * 20)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.write("after")
    journal.close()
    events = [event["event"] for event in read(journal.path).events]
    assert (events[0], events[-1]) == ("before", "after"), (room, events)
    told.add(len(events))
print(sorted(told))
"""


def test_wherever_a_full_disk_cuts_a_line_what_comes_later_is_trusted(tmp_path: Path) -> None:
    done = python(EVERY_ROOM, str(tmp_path))
    assert (done.stdout, done.stderr) == ("[2, 3, 4]\n", "")


def test_a_disk_that_does_not_confirm_a_line_breaks_no_chain(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        journal.write("phase", sync=True)
    journal.write("after")
    journal.close()
    assert journal.failure is not None
    assert [event["event"] for event in read(path).events] == ["phase", "after"]


KILLED = """
import os, signal, sys
from pathlib import Path
from blackstart.evidence.journal import Journal
journal = Journal(Path(sys.argv[1]))
for number in range(100):
    journal.write("step", number=number)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_events_that_could_not_be_written_at_all_leave_a_hole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(path)
    journal.write("before")
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        journal.write("lost")
    journal.write("after")
    journal.close()
    record = read(path)
    assert [e["event"] for e in record.events] == ["before", "after"]
    assert (record.damage, record.damage_after) == ("lines are missing before line 3", 1)


def test_a_killed_writer_loses_nothing(path: Path) -> None:
    assert python(KILLED, str(path)).returncode == -signal.SIGKILL
    record = read(path)
    assert ([e["number"] for e in record.events], record.damage) == (list(range(100)), "")


def test_many_threads_write_one_chain(path: Path) -> None:
    journal = Journal(path)

    def work(name: str) -> None:
        for number in range(50):
            journal.readings(name, [reading(name, number, float(number))], 0.02)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    record = read(path)
    assert (len(record.events), record.damage) == (300, "")
    for name in (f"t{number}" for number in range(6)):
        assert [r.value for r in all_readings(record) if r.probe == name] == list(range(50))
