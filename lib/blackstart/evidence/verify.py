"""Whether a run's files are still what they were when it was sealed, and its bundle still in its place in the chain.

What is found is `wrong` (altered, missing, added, out of order), `unsure` (can't be checked: the run was killed before
it was sealed, or its record was damaged before that), or a `note`. What a chain can't show: that its newest bundles, or
the last lines of a file that may grow, were cut off; that the newest was stripped of all that a killed run does not
have; that somebody wrote the whole chain anew. Against that, keep a hash elsewhere.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any

from blackstart.base import errors
from blackstart.base.errors import Damaged
from blackstart.evidence import attestation, journal, manifest, notes
from blackstart.evidence.events import BEGUN, EventName
from blackstart.evidence.folder import own_file
from blackstart.evidence.found import Found, Level, unread
from blackstart.evidence.signing import Verifier
from blackstart.model.verdict import Verdict

__all__ = ["Found", "exit_code", "verify", "verify_chain"]
# In the order in which they are written, before the manifest and after results/chaos.json and junit.xml.
_AT_END = ("report.html", "summary.md", "stretches.csv", "observed_results.md")
_LOGGED = re.compile(rb"^verdict,(.*)$", re.MULTILINE)
_OVER = ("closed", "closed by somebody else", "gone with its lab", "gone with its network", "given up")


def exit_code(found: list[Found]) -> int:
    """0: all is as it was sealed. 20: something is wrong. 30: nothing is known to be wrong, but not all can be told."""
    levels = {item.level for item in found}
    if "wrong" in levels:
        return errors.EXIT_BROKE
    return errors.EXIT_INCONCLUSIVE if "unsure" in levels else errors.EXIT_HELD


def verify(folder: Path, key: Verifier | None = None) -> list[Found]:
    """Everything there is to say of one run's files; with a `key`, that its attestation is signed by that. Raises
    Damaged where there is no run at all."""
    if not any(os.path.lexists(folder / name) for name in ("journal.jsonl", manifest.NAME)):
        raise Damaged(f"{folder} is not the evidence of a run: it has neither journal nor manifest")
    sealed: dict[str, Any] | None = None
    found: list[Found] = []
    if not os.path.lexists(folder / manifest.NAME):
        found.append(_unsealed(folder))
    else:
        try:
            sealed = manifest.read(folder)
        except Damaged as damage:
            found.append(Found("wrong", manifest.NAME, str(damage)))
    if sealed is not None:
        found += [
            *_named(folder, sealed),
            *_files(folder, sealed),
            *_claims(folder, sealed),
            *attestation.check(folder, sealed, key),
        ]
    listed = {str(entry["path"]) for entry in sealed["files"]} if sealed else set[str]()
    return [*found, *_chains(folder, listed, sealed), *_notes(folder)]


def _unsealed(folder: Path) -> Found:
    """What is to be thought of a run without a manifest: it is what a run writes last, after its verdict."""
    left = [name for name in manifest.ATTESTED if os.path.lexists(folder / name)]
    if left and not (folder / manifest.PART).exists():
        return Found("wrong", manifest.NAME, f"is missing: {left[0]}, which is about it, is there")
    if _ended(folder) is None:
        if told := _unrecorded(folder):
            return Found("wrong", manifest.NAME, f"is missing, and so is the verdict in the journal: {told}")
        told = "there is none: the run was killed before it could be sealed; `report.bundle` seals what it left"
        return Found("unsure", manifest.NAME, told)
    if _there(folder, _AT_END):
        return Found("wrong", manifest.NAME, "is missing: the run came to its end, so it was removed")
    told = "there is none, though a verdict was recorded: it was removed, or the run was killed between the two"
    return Found("unsure", manifest.NAME, told)


def _unrecorded(folder: Path) -> str:
    """What shows that a run had a verdict of its own which its journal does not have (any more); "" for nothing.

    Documents alone don't: `report.bundle`, killed while it sealed a killed run, leaves them too. It calls no such run
    held or broke, and writes the results first.
    """
    results = attestation.results(folder)
    said = {attestation.RESULTS: results.get("verdict") if isinstance(results, dict) else None}
    log = folder.with_name(f"{folder.name}.log")
    with suppress(OSError):
        row = _LOGGED.search(manifest.small(log))
        said[f"../{log.name}"] = row[1].decode(errors="replace") if row else None
    for name, verdict in said.items():
        if verdict in (Verdict.HELD, Verdict.BROKE):
            return f"{name} says {verdict}"
    later = "" if said[attestation.RESULTS] else _there(folder, ("junit.xml", *_AT_END))
    return later and f"{later}, which is written after {attestation.RESULTS}, is there without it"


def _there(folder: Path, names: tuple[str, ...]) -> str:
    """The first of these documents that is there, and not an empty one, as a full disk leaves it."""
    for name in names:
        with suppress(OSError):
            if (folder / name).lstat().st_size:
                return name
    return ""


def _ended(folder: Path) -> dict[str, Any] | None:
    try:
        return journal.read(folder / "journal.jsonl").last(EventName.VERDICT)
    except Damaged:
        return None


def _named(folder: Path, sealed: dict[str, Any]) -> Iterator[Found]:
    if sealed["run"] != folder.absolute().name:
        yield Found("wrong", folder.absolute().name, f"was renamed: it was sealed as {sealed['run']}")


def _files(folder: Path, sealed: dict[str, Any]) -> Iterator[Found]:
    names = [str(entry["path"]) for entry in sealed["files"]]
    listed = set(names)
    for before, name in pairwise(names):
        if manifest.place(before) >= manifest.place(name):
            yield Found("wrong", manifest.NAME, f"was re-ordered: {name} stands behind {before}")
    for entry in sealed["files"]:
        yield from _file(folder, entry)
    for name, _ in manifest.files_of(folder):
        if name not in listed and not (name == manifest.UNDO and sealed["schemaVersion"] == manifest.WITHOUT_UNDO):
            yield Found("wrong", name, "was added after the run was sealed")
    held = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    for name in manifest.empty_folders(folder):
        if name not in held:
            yield Found("wrong", f"{name}/", "was added after the run was sealed: a folder that holds nothing")


def _file(folder: Path, entry: dict[str, Any]) -> Iterator[Found]:
    name, size = str(entry["path"]), int(entry["size"])
    path = folder / name
    # The log beside the folder is the one file of a run outside of it.
    if path.resolve().parent != folder.resolve().parent and not path.resolve().is_relative_to(folder.resolve()):
        yield Found("wrong", name, "is not a file of this run")
        return
    if path.is_symlink():
        yield Found("wrong", name, "is a link, and no run writes one")
        return
    try:
        now = path.stat().st_size
        digest = manifest.sha256(path, size)
    except OSError as error:
        if name == manifest.UNDO and isinstance(error, FileNotFoundError) and _over(folder):
            yield Found("note", name, "was removed when everything was undone or given up, as it may")
        else:
            yield unread(name, error)
        return
    if now < size or (now > size and not entry.get("grows")):
        yield Found("wrong", name, f"has {now} bytes, and had {size} when it was sealed")
    elif digest != entry["sha256"]:
        yield Found("wrong", name, "was altered: its content is not what was sealed")
    elif now > size:
        yield Found("note", name, f"went on for {now - size} bytes after the run was sealed, as it may")


def _over(folder: Path) -> bool:
    """Whether the records, the run's own and those after it, say of all that was done that it is no longer open."""
    names = ["journal.jsonl", "guardian.jsonl", *_healings(folder)]
    events = list[journal.Event]()
    for name in names:
        with suppress(Damaged):  # missing, or another run's, which is said
            events += journal.read_beside(folder, name).events
    over = {
        event.get("change")
        for event in events
        if event["event"] in _OVER or (event["event"] == EventName.GONE and event["ok"])
    }
    return bool(over) and {event["change"] for event in events if event["event"] in BEGUN} <= over


def _healings(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("heal*.jsonl") if manifest.HEALED.fullmatch(path.name))


def _claims(folder: Path, sealed: dict[str, Any]) -> Iterator[Found]:
    """What a manifest says of the run itself, held against what its journal and its results say."""
    with suppress(Damaged):
        record = journal.read(folder / "journal.jsonl")
        recorded, head = record.last(EventName.VERDICT), record.first(EventName.RUN)
        if recorded is None and sealed["verdict"] in (Verdict.HELD, Verdict.BROKE):
            yield Found("wrong", manifest.NAME, f"says {sealed['verdict']}, but the journal has no verdict")
        elif recorded and recorded["verdict"] != sealed["verdict"]:
            told = f"says {sealed['verdict']}, but the journal's verdict is {recorded['verdict']}"
            yield Found("wrong", manifest.NAME, told)
        for key, said in manifest.claims(head).items() if head else ():
            if sealed["schemaVersion"] == manifest.SCHEMA and sealed[key] != said:
                yield Found("wrong", manifest.NAME, f"says {sealed[key]} of its {key}, and the journal {said}")
    digest = next((str(entry["sha256"]) for entry in sealed["files"] if entry["path"] == "journal.jsonl"), "")
    if sealed["bundleId"] != manifest.bundle_id(sealed["run"], digest):
        yield Found("wrong", manifest.NAME, f"calls itself {sealed['bundleId']}, which is not of this run and journal")
    results = attestation.results(folder)
    if isinstance(results, dict) and (said := results.get("verdict")) != sealed["verdict"]:
        yield Found("wrong", attestation.RESULTS, f"says {said}, but {manifest.NAME} says {sealed['verdict']}")


def _chains(folder: Path, listed: set[str], sealed: dict[str, Any] | None) -> Iterator[Found]:
    unended = sealed is not None and sealed["verdict"] not in (Verdict.HELD, Verdict.BROKE)
    for name in ("journal.jsonl", "guardian.jsonl", *_healings(folder)):
        path = folder / name
        if not os.path.lexists(path):
            continue
        try:
            record = journal.read_beside(folder, name)
        except Damaged as damage:
            yield Found("wrong", name, str(damage))
            continue
        if sealed and name not in listed and not record.events:
            yield Found("wrong", name, "was added after the run was sealed: it has no line that a healing wrote")
            continue
        if name != "journal.jsonl" and name not in listed and not (record.events and record.events[0].get("of")):
            told = "does not tell which run it is of"
            if sealed and sealed["schemaVersion"] == manifest.SCHEMA:  # who seals so binds them
                yield Found("wrong", name, f"was added after the run was sealed: it {told}")
                continue
            yield Found("unsure", name, f"{told}, as those of older versions")
        if not record.damage:
            yield Found("note", name, f"its chain is whole, {len(record.events)} lines")
            continue
        with open(path, "rb", opener=own_file) as file:
            lines = file.read().rstrip(b"\n").count(b"\n") + 1
        at_end = len(record.events) == lines - 1
        # A kill tears the last line; a sealed file with the right hash was damaged before that, and one that was judged
        # as that has its verdict for it.
        level: Level = "unsure" if at_end or name in listed - set(manifest.GROWS) else "wrong"
        if at_end and name in listed and unended:
            level = "note"
        yield Found(level, name, f"{record.damage}; whole up to there ({len(record.events)} of {lines} lines)")


def _notes(folder: Path) -> Iterator[Found]:
    try:
        seen = notes.read(folder)
    except Damaged as damage:
        yield Found("wrong", notes.NAME, str(damage))
        return
    if seen.damage:
        yield Found("wrong", notes.NAME, seen.damage)
    elif not seen.notes and os.path.lexists(folder / notes.NAME):
        yield Found("wrong", notes.NAME, "was added: there is no note in it")
    elif seen.notes:
        yield Found("note", notes.NAME, f"its chain is whole, {len(seen.notes)} notes added after the run")


def verify_chain(reports: Path) -> list[Found]:
    """Whether all bundles of a reports folder still stand in the order in which they were sealed."""
    sealed = manifest.bundles(reports)
    found = [
        Found("wrong", path.parent.name, "its manifest can't be read or was edited")
        for path in sorted(reports.glob(f"*/{manifest.NAME}"))
        if path.parent not in sealed
    ]
    by_run = {str(data["run"]): path for path, data in sealed.items()}
    ordered = sorted(sealed.items(), key=lambda item: (item[1]["chain"]["sequence"], item[0].name))
    for place, (path, data) in enumerate(ordered):
        before = ordered[place - 1][1]["chain"]["sequence"] if place else None
        found += _link(path, data["chain"], by_run, before)
    return [*found, Found("note", str(reports), f"a chain of {len(ordered)} sealed bundles")] if ordered else found


def _link(path: Path, chain: dict[str, Any], by_run: dict[str, Path], before: int | None) -> Iterator[Found]:
    sequence, previous = int(chain["sequence"]), chain["previous"]
    if before == sequence:
        yield Found("wrong", path.name, f"is number {sequence} of the chain, and so is another bundle")
    if previous is None:
        if sequence != 1:
            yield Found("wrong", path.name, f"is number {sequence} of the chain and names none before it")
    elif previous in by_run:
        if manifest.sha256(by_run[previous] / manifest.NAME) != chain["previousSha256"]:
            yield Found("wrong", previous, f"is not what it was when {path.name} was sealed: its manifest was altered")
    elif os.path.lexists(path.parent / previous):
        told = f"was sealed before {path.name}, and now has no manifest that can be read"
        yield Found("wrong", previous, told)
    elif before is None:
        yield Found("note", path.name, f"is the oldest here: {previous}, before it, is gone")
    else:
        yield Found("wrong", path.name, f"names {previous} before it, which is gone, though older bundles are here")
