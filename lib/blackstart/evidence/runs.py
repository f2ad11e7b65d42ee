"""Finds the runs in a reports folder."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blackstart.base import clock
from blackstart.base.errors import Damaged, Refused, did_you_mean
from blackstart.evidence.folder import own_file

_LONGEST_LINE_BYTES = 4 << 20
# What makes a folder a run's also where its journal is gone: that is to be told, and no older run taken for the newest.
_MARKS = ("journal.jsonl", "manifest.json", "undo.json", "HEAL.sh", "guardian.jsonl")


def every(reports: Path) -> list[Path]:
    """The evidence folders in a reports folder, oldest first by the time in their names."""
    return sorted((path.parent for path in reports.glob("*/journal.jsonl") if path.is_file()), key=_began)


def beneath(reports: Path) -> list[Path]:
    """Those in folders of it, too, as CI jobs leave them, by their paths."""
    return sorted({path.parent for path in reports.rglob("journal.jsonl") if path.is_file()})


def _newest(reports: Path) -> Path | None:
    """The run that began last, whether its journal is there or not."""
    folders = {path.parent for mark in _MARKS for path in reports.glob(f"*/{mark}")}
    return max(folders, key=_began, default=None)


def _began(folder: Path) -> tuple[str, float]:
    # `leader_lock_2026-11-20T14-30-00`, perhaps with `_2`; a folder with another name counts by its journal's time.
    stamp = next((part for part in reversed(folder.name.split("_")) if len(part) == 19 and part[10] == "T"), "")
    journal = folder / "journal.jsonl"
    modified_s = (journal if journal.exists() else folder).stat().st_mtime
    if not stamp:
        stamp = clock.utc_stamp(datetime.fromtimestamp(modified_s, UTC))
    return stamp, modified_s


def find(name_or_path: str, reports: Path) -> Path:
    """The run of that name in the reports folder, or at that path; the newest for "". Raises Refused."""
    if not name_or_path:
        newest = _newest(reports)
        if newest is None:
            raise Refused(f"there are no runs in {reports}. Name another folder with --reports, or a run with --run.")
        return newest
    for path in _candidates(name_or_path, reports):
        if any((path / mark).is_file() for mark in _MARKS):
            return path
    for path in every(reports):
        if name_or_path.startswith("CHAOS-") and _id_of(path) == name_or_path:
            return path
    known = [path.name for path in every(reports)]
    raise Refused(f'no run "{name_or_path}" in {reports}.{did_you_mean(name_or_path, known[-20:])}')


def endless(folder: Path) -> Iterator[tuple[Path, str]]:
    """What in a run's folder is no file of its own, and what it is instead: a pipe is waited for, and a link leads to
    what another run, or nobody, has written."""
    for path in (*folder.rglob("*"), folder.with_name(f"{folder.name}.log")):
        if path.is_symlink() or (path.exists() and not path.is_file() and not path.is_dir()):
            yield path, f"is {'no file but a link' if path.is_symlink() else 'no file'}, so nothing of the run is read"


def refuse_endless(folder: Path) -> None:
    """Raise Damaged where there is such a thing."""
    for path, told in endless(folder):
        raise Damaged(f"{path} {told}")


def head(folder: Path) -> dict[str, Any]:
    """The journal's first line, which says what was run on what; empty where it can't be read."""
    try:
        with open(folder / "journal.jsonl", "rb", opener=own_file) as file:
            first = json.loads(file.readline(_LONGEST_LINE_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return first if isinstance(first, dict) else {}


def _id_of(folder: Path) -> str:
    """`CHAOS-20260131-001`; "" where that can't be read."""
    return str(head(folder).get("id", ""))


def _candidates(name: str, reports: Path) -> Iterator[Path]:
    given = Path(name)
    yield (reports / name).absolute()
    yield given.absolute()
    if given.name in ("journal.jsonl", "report.html", "manifest.json"):
        yield given.absolute().parent
    if given.suffix == ".log":
        yield (reports / given.stem).absolute()
        yield given.absolute().with_suffix("")
