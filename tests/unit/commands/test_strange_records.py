"""A folder of evidence may come from anywhere: whatever its records say, a report task tells it in one line."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import Damaged
from blackstart.commands import attesting, report
from blackstart.evidence import attestation, journal, manifest
from blackstart.reports import documents
from tests.unit.reports.drills import Drill, judged, told

WRONG: tuple[Any, ...] = (None, 5, 10**400, "x\x1b[2J", [], {"a": 1}, {"is": "os:system"}, {"is": "process"})
RUN = "leader_lock_2026-11-20T14-00-00"
_EVERY = 7
Path_ = tuple[str | int, ...]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished and sealed run, with a guardian's record."""
    path = told(Drill(run=RUN), tmp_path_factory.mktemp("sealed"))
    documents.write(path, judged(path)[1], {}, print)
    return path


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def chained(path: Path, told: list[Any]) -> None:
    lines, prev = list[bytes](), ""
    for event in told:
        lines.append(json.dumps(event | {"prev": prev}).encode())
        prev = hashlib.sha256(lines[-1]).hexdigest()[:32]
    path.write_bytes(b"\n".join(lines) + b"\n")


def places(data: Any, at: Path_ = ()) -> Iterator[Path_]:
    if at:
        yield at
    items = data.items() if isinstance(data, dict) else enumerate(data[:2]) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*at, key))


def put(data: Any, at: Path_, value: Any) -> Any:
    if not at:
        return value
    made = dict(data) if isinstance(data, dict) else list(data)
    made[at[0]] = put(data[at[0]], at[1:], value)
    return made


def answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[str, int, str, str]]:
    """What each task that reads a record says of it: name, exit code, output, errors."""
    reports = str(folder.parent)
    tasks = {
        "show": lambda: report.show(str(folder), reports),
        "judge": lambda: report.judge(str(folder), reports),
        "html": lambda: report.write_html(str(folder), reports, str(folder.with_name("page.html"))),
        "verify": lambda: attesting.check(str(folder), reports),
        "trend": lambda: report.show_trend(str(folder), reports, "20", "", False),
        "note": lambda: report.add_note(str(folder), "x", "", reports),
    }
    for name, task in tasks.items():
        capsys.readouterr()
        code = task()
        yield name, code, *capsys.readouterr()


@cache
def first_places(path: Path) -> list[tuple[int, Path_]]:
    """Every place in the first event of each kind."""
    found = dict[str, tuple[int, dict[str, Any]]]()
    for number, event in enumerate(events(path)):
        found.setdefault(event["event"], (number, event))
    return [(number, at) for number, event in found.values() for at in places(event) if at != ("prev",)]


@pytest.mark.parametrize("part", range(len(WRONG)))
def test_a_wrong_value_anywhere_is_told_in_one_line(
    tmp_path: Path, sealed: Path, part: int, capsys: pytest.CaptureFixture[str]
) -> None:
    record = sealed / "journal.jsonl"
    # Some of the places, each with another of the wrong values.
    for count, (number, at) in enumerate(first_places(record)):
        if count % (_EVERY * len(WRONG)) != part * _EVERY:
            continue
        folder = tmp_path / str(count) / RUN
        shutil.copytree(sealed, folder)
        changed = events(record)
        value = WRONG[(part + count // _EVERY // len(WRONG)) % len(WRONG)]
        changed[number] = put(changed[number], at, value)
        chained(folder / "journal.jsonl", changed)
        for name, code, out, err in answers(folder, capsys):
            where = (name, at, value, out, err)
            assert code in (0, 20, 30, 40, 50) and "\x1b" not in out + err, where
            assert code != 40 or err.strip().count("\n") == err.count("left out"), where


def named(data: Any, name: str) -> Any:
    """The data with that name wherever a record names what it is."""
    if isinstance(data, dict):
        return {key: name if key == "is" else named(value, name) for key, value in data.items()}
    return [named(each, name) for each in data] if isinstance(data, list) else data


@pytest.mark.parametrize("name", ["os:system", "planted.module:Thing", "no-such-thing"])
def test_a_name_that_is_none_of_ours_is_told_also_where_all_hashes_fit(
    tmp_path: Path, sealed: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / RUN
    shutil.copytree(sealed, folder)
    record = [named(event, name) for event in events(folder / "journal.jsonl")]
    chained(folder / "journal.jsonl", record)
    before = manifest.read(folder)
    for file in (manifest.NAME, *manifest.ATTESTED):
        (folder / file).unlink(missing_ok=True)
    head = next(event for event in record if event["event"] == "run")
    manifest.seal(
        folder, RUN, manifest.claims(head), before["verdict"], [before["reason"]],
        lambda path, made: attestation.write(path, made, None),
    )  # fmt: skip
    for task, code, out, err in answers(folder, capsys):
        if task != "note":  # a note is added to the run, of which nothing is read
            assert code == (30 if task == "verify" else 40) and f"a record names '{name}'" in out + err, (
                task,
                out,
                err,
            )


def test_one_strange_record_does_not_keep_a_trend_from_the_others(
    tmp_path: Path, sealed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sealed, tmp_path / RUN)
    shutil.copytree(sealed, tmp_path / f"{RUN}_2")
    strange = events(sealed / "journal.jsonl")
    for event in strange:
        event["at"] = event["began"] = "\x1b[2J"
    chained(tmp_path / f"{RUN}_2" / "journal.jsonl", strange)
    assert report.show_trend(RUN, str(tmp_path), "20", "", False) == 0
    out, err = capsys.readouterr()
    assert "left out" in err and "1 run," in out and "\x1b" not in out + err


@pytest.mark.parametrize("planted", ["journal.jsonl", "guardian.jsonl", "history.csv", "manifest.json", "notes.jsonl"])
def test_what_would_be_waited_for_is_not_read(
    tmp_path: Path, sealed: Path, planted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sealed, tmp_path / RUN)
    path = tmp_path / RUN / planted
    path.unlink(missing_ok=True)
    os.mkfifo(path) if planted != "notes.jsonl" else path.symlink_to("/dev/zero")
    for name, code, out, err in answers(tmp_path / RUN, capsys):
        named = f"first of all: {planted} is no file" in out if name == "verify" else f"{path} is no file" in err
        assert code == (20 if name == "verify" else 40) and named, (name, out, err)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Damaged, match="is no file"):
        journal.read(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["journal.jsonl", "guardian.jsonl", "manifest.json", "HEAL.sh", "report.html", "new"])
def test_a_link_in_a_run_is_refused_wherever_it_leads(
    tmp_path: Path, sealed: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sealed, tmp_path / RUN)
    shutil.copytree(sealed, tmp_path / "other" / RUN)
    path = tmp_path / RUN / name
    path.unlink(missing_ok=True)
    path.symlink_to(tmp_path / "other" / RUN / (name if name != "new" else "junit.xml"))
    for task, code, out, err in answers(tmp_path / RUN, capsys):
        named = (
            f"first of all: {name} is no file but a link" in out if task == "verify" else f"{path} is no file" in err
        )
        assert code == (20 if task == "verify" else 40) and named, (task, out, err)


def test_a_link_beside_a_run_or_in_it_is_not_written_through(
    tmp_path: Path, sealed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(sealed, tmp_path / RUN)
    for link in (tmp_path / f"{RUN}.html", tmp_path / RUN / "notes.jsonl"):
        link.symlink_to(tmp_path / "written")
    assert report.write_html(RUN, str(tmp_path), "") == 40
    assert report.add_note(RUN, "x", "", str(tmp_path)) == 40
    assert not (tmp_path / "written").exists()
