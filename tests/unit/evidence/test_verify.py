"""Whatever is done to sealed evidence is named; what was not done to it is not complained about."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import Damaged
from blackstart.evidence import attestation, journal, manifest, notes, verify
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Journal
from blackstart.reports import csv_log, documents
from blackstart.safety.ledger import heal_record
from blackstart.verdict import from_folder
from tests.unit.reports.drills import Drill, judged, told


def sealed(reports: Path, run: str = "leader_lock_2026-11-20T14-30-00", **more: object) -> Path:
    """A run with all its documents, sealed."""
    path = told(Drill(run=run, **more), reports)  # type: ignore[arg-type]
    guardian = Journal(path / "guardian.jsonl")
    guardian.write("guarding", run=run)
    guardian.close()
    said: list[str] = []
    documents.write(path, judged(path)[1], {}, said.append)
    assert said == []
    return path


def wrong(path: Path) -> list[tuple[str, str]]:
    found = verify.verify(path)
    assert verify.exit_code(found) == (20 if any(f.level == "wrong" for f in found) else 0)
    return [(item.where, item.what) for item in found if item.level == "wrong"]


def test_a_sealed_run_has_all_its_documents_and_nothing_is_wrong(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    assert wrong(path) == []
    listed = {entry["path"] for entry in manifest.read(path)["files"]}
    assert listed == {
        f"../{path.name}.log", "journal.jsonl", "guardian.jsonl", "HEAL.sh", "results/chaos.json", "junit.xml",
        "report.html",
    }  # fmt: skip


def test_the_manifest_is_canonical_so_that_any_tool_gives_its_hash(tmp_path: Path) -> None:
    data = (sealed(tmp_path) / "manifest.json").read_bytes()
    again = json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert data == again
    found = json.loads(data)
    assert (found["verdict"], found["reason"], found["spec"]["name"]) == ("held", "", "leader-lock")
    assert len(found["spec"]["sha256"]) == 64


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


ATTACKS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "one bit of the page": (lambda p: flip(p / "report.html"), "report.html", "was altered"),
    "one bit of the log": (lambda p: flip(p.with_name(f"{p.name}.log")), "../leader", "was altered"),
    "the end of the journal": (
        lambda p: (p / "journal.jsonl").write_bytes((p / "journal.jsonl").read_bytes()[:-300]), "journal.jsonl", "has",
    ),
    "a longer page": (lambda p: (p / "junit.xml").write_text("x" * 99_999), "junit.xml", "has 99999 bytes"),
    "no history": (lambda p: (p / "results/chaos.json").unlink(), "results/chaos.json", "is missing"),
    "one more file": (lambda p: (p / "better.csv").write_text("pass"), "better.csv", "was added"),
    "one more file below": (lambda p: (p / "results/b.json").write_text("{}"), "results/b.json", "was added"),
    "an empty folder": (lambda p: (p / "more").mkdir(), "more/", "was added"),
    "an empty folder below": (lambda p: (p / "results/a/b").mkdir(parents=True), "results/a/b/", "was added"),
    "an empty folder by the name of notes": (lambda p: (p / "notes.jsonl").mkdir(), "notes.jsonl/", "was added"),
    "what an undo is written to": (lambda p: (p / "undo.part").write_text("x"), "undo.part", "was added"),
    "what a manifest is written to": (lambda p: (p / "manifest.part").write_text("{}"), "manifest.part", "was added"),
    "notes without a note": (lambda p: (p / "notes.jsonl").write_text("\n"), "notes.jsonl", "was added"),
    "a healing of rubbish": (lambda p: (p / "heal.jsonl").write_text("all is well"), "heal.jsonl", "was added"),
    "a healing of nothing": (lambda p: (p / "heal_3.jsonl").touch(), "heal_3.jsonl", "was added"),
    "a healing of no run": (lambda p: healed(p, "", "heal_2.jsonl"), "heal_2.jsonl", "was added"),
    "an edited manifest": (
        lambda p: (p / "manifest.json").write_bytes((p / "manifest.json").read_bytes() + b"\n"), "manifest.json",
        "not in the canonical form",
    ),
    "a manifest of rubbish": (lambda p: (p / "manifest.json").write_text("{"), "manifest.json", "not JSON"),
    "a manifest without files": (lambda p: (p / "manifest.json").write_text("{}"), "manifest.json", "not a manifest"),
    "another guardian": (lambda p: flip(p / "guardian.jsonl"), "guardian.jsonl", ""),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_on_one_file_is_named(tmp_path: Path, attack: str) -> None:
    path = sealed(tmp_path)
    act, where, what = ATTACKS[attack]
    act(path)
    found = wrong(path)
    assert any(place.startswith(where) and what in told_ for place, told_ in found), found


def test_a_folder_that_was_emptied_is_not_told_as_one_that_was_added(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    for file in (path / "results").iterdir():
        file.unlink()
    assert [told for place, told in wrong(path) if place.startswith("results/")] == [
        "is missing (No such file or directory)"
    ]


def rewrite(path: Path, **changes: object) -> None:
    """What a careful forger does: the manifest made to fit, and what attests it."""
    data = manifest.read(path) | changes
    for entry in data["files"]:
        file = path / entry["path"]
        entry |= {"size": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    put(path, data)


def put(path: Path, data: dict[str, Any]) -> None:
    """A manifest in the place of the one that is there, with its Statements, where it is of a form that has them."""
    (path / "manifest.json").write_bytes(manifest.canonical(data))
    if data["schemaVersion"] == manifest.SCHEMA:
        attestation.write(path, data, None)
    else:
        (path / "manifest.json.intoto.jsonl").unlink()


def test_a_verdict_that_is_not_the_journals_is_named(tmp_path: Path) -> None:
    path = sealed(tmp_path, leads_again=False, end_s=9.5)
    rewrite(path, verdict="held", reason="")
    assert wrong(path) == [
        ("manifest.json", "says held, but the journal's verdict is broke"),
        ("results/chaos.json", "says broke, but manifest.json says held"),
    ]


def test_a_manifest_can_not_point_out_of_its_run(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    (tmp_path.parent / "secret").write_text("x")
    data = manifest.read(path)
    data["files"].insert(0, {"path": "../../secret", "size": 1, "sha256": hashlib.sha256(b"x").hexdigest()})
    put(path, data)
    assert wrong(path) == [("../../secret", "is not a file of this run")]


def test_a_run_that_was_killed_before_its_seal_is_unsure_with_the_length_of_its_whole_part(tmp_path: Path) -> None:
    path = told(Drill(stop_at="recovery"), tmp_path)
    with (path / "journal.jsonl").open("ab") as file:
        file.write(b'{"n":9999,"at"')
    found = verify.verify(path)
    assert verify.exit_code(found) == 30
    assert any("was killed before it could be sealed" in item.what for item in found)
    assert any("whole up to there" in item.what for item in found)


def test_an_unsealed_journal_with_a_changed_line_in_its_middle_is_wrong(tmp_path: Path) -> None:
    path = told(Drill(stop_at="recovery"), tmp_path)
    data = (path / "journal.jsonl").read_bytes().replace(b'"leader",', b'"Leader",', 1)
    (path / "journal.jsonl").write_bytes(data)
    assert verify.exit_code(verify.verify(path)) == 20


def test_a_guardian_that_goes_on_after_the_seal_is_a_note_and_not_wrong(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    data = (path / "guardian.jsonl").read_bytes()
    prev = hashlib.sha256(data.rstrip(b"\n")).hexdigest()[:32]
    with (path / "guardian.jsonl").open("ab") as file:
        file.write(json.dumps({"n": 1, "at": 1.0, "event": "end", "how": "restored", "prev": prev}).encode() + b"\n")
    assert wrong(path) == []
    assert any("went on for" in item.what for item in verify.verify(path))


def test_notes_are_added_to_a_sealed_run_without_breaking_its_seal(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    notes.append(path, "Redis was slow, ticket 12", by="ann")
    notes.append(path, "second", scrub=lambda text: text.replace("second", "[redacted]"))
    assert wrong(path) == []
    notes.append(path, "it takes a minute", "ann", kind="learning")
    read = notes.read(path)
    assert [text for _, text in read.lines()] == [
        "ann: Redis was slow, ticket 12", "[redacted]", "learning, ann: it takes a minute"
    ]  # fmt: skip
    assert [note["text"] for note in read.of("learning")] == ["it takes a minute"] and not read.of("improvement")


def test_a_note_that_was_altered_or_moved_from_another_run_is_named(tmp_path: Path) -> None:
    first, second = sealed(tmp_path), sealed(tmp_path, "leader_lock_2026-11-20T14-31-00")
    notes.append(first, "one")
    notes.append(first, "two")
    (second / "notes.jsonl").write_bytes((first / "notes.jsonl").read_bytes())
    assert wrong(second) == [("notes.jsonl", "line 1 does not follow from what it was added to")]
    (first / "notes.jsonl").write_bytes((first / "notes.jsonl").read_bytes().replace(b"one", b"ONE"))
    assert wrong(first) == [("notes.jsonl", "line 2 does not follow from the line before it")]
    with pytest.raises(Damaged, match="nothing was added"):
        notes.append(first, "three")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="is not the evidence of a run"):
        verify.verify(tmp_path)


def chain(reports: Path, count: int = 4) -> list[Path]:
    return [sealed(reports, f"leader_lock_2026-11-20T14-3{number}-00", end_s=5.7) for number in range(count)]


def broken(reports: Path) -> list[tuple[str, str]]:
    return [(item.where, item.what) for item in verify.verify_chain(reports) if item.level == "wrong"]


def test_bundles_name_the_one_before_them_and_the_chain_is_whole(tmp_path: Path) -> None:
    runs = chain(tmp_path)
    assert [manifest.read(run)["chain"]["sequence"] for run in runs] == [1, 2, 3, 4]
    assert broken(tmp_path) == []


def test_a_run_that_was_altered_together_with_its_manifest_shows_in_its_successor(tmp_path: Path) -> None:
    runs = chain(tmp_path)
    (runs[1] / "report.html").write_text("all was well", encoding="utf-8")
    rewrite(runs[1])
    assert wrong(runs[1]) == []
    (found,) = broken(tmp_path)
    assert found[0] == runs[1].name and f"when {runs[2].name} was sealed" in found[1]


def test_a_run_that_was_renamed_is_named_so_first_of_all(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    better = path.rename(tmp_path / "better")
    assert wrong(better)[0] == ("better", f"was renamed: it was sealed as {path.name}")


def test_what_one_who_was_killed_while_sealing_has_left_is_no_part_of_the_bundle(tmp_path: Path) -> None:
    path = told(Drill(), tmp_path)
    (path / "manifest.part").write_text("{")
    documents.write(path, judged(path)[1], {}, print)
    assert not (path / "manifest.part").exists() and wrong(path) == []


def test_a_bundle_taken_out_of_the_middle_is_missed(tmp_path: Path) -> None:
    runs = chain(tmp_path)
    runs[2].rename(tmp_path.parent / "elsewhere")
    assert broken(tmp_path) == [
        (runs[3].name, f"names {runs[2].name} before it, which is gone, though older bundles are here")
    ]


def test_old_bundles_may_be_thrown_away(tmp_path: Path) -> None:
    runs = chain(tmp_path)
    for run in runs[:2]:
        run.rename(tmp_path.parent / run.name)
    found = verify.verify_chain(tmp_path)
    assert verify.exit_code(found) == 0
    assert any("is the oldest here" in item.what for item in found)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bundle_that_was_stripped_of_its_seal_is_not_one_that_was_thrown_away(tmp_path: Path, place: int) -> None:
    runs = chain(tmp_path)
    stripped(runs[place])
    shutil.rmtree(runs[place] / "results")
    assert broken(tmp_path) == [
        (runs[place].name, f"was sealed before {runs[place + 1].name}, and now has no manifest that can be read")
    ]


@pytest.mark.parametrize("previous", [["x"], {"x": 1}, 7])
def test_a_bundle_before_it_that_has_no_name_is_no_manifests(tmp_path: Path, previous: object) -> None:
    path = sealed(tmp_path)
    data = manifest.read(path)
    (path / "manifest.json").write_bytes(manifest.canonical(data | {"chain": data["chain"] | {"previous": previous}}))
    assert broken(tmp_path) == [(path.name, "its manifest can't be read or was edited")]


def test_a_bundle_with_a_ruined_manifest_is_named_and_the_next_one_can_still_be_sealed(tmp_path: Path) -> None:
    runs = chain(tmp_path, 2)
    (runs[1] / "manifest.json").write_text("{", encoding="utf-8")
    sealed(tmp_path, "leader_lock_2026-11-20T14-39-00")
    assert (runs[1].name, "its manifest can't be read or was edited") in broken(tmp_path)


def test_runs_that_end_at_the_same_time_get_places_of_their_own(tmp_path: Path) -> None:
    paths = [told(Drill(run=f"run_{n}", end_s=5.7), tmp_path) for n in range(6)]
    threads = [threading.Thread(target=documents.write, args=(p, judged(p)[1], {}, print)) for p in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert broken(tmp_path) == []
    assert sorted(manifest.read(path)["chain"]["sequence"] for path in paths) == [1, 2, 3, 4, 5, 6]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_can_not_be_read_is_wrong(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    (path / "junit.xml").chmod(0)
    assert ("junit.xml", "can't be read (Permission denied)") in wrong(path)


# ---------------------------------------------------------------- the copy of the undos


def not_restored(tmp_path: Path) -> Path:
    """A run that was sealed while something was broken."""
    path = told(Drill(gone_ok=False), tmp_path)
    (path / "undo.json").write_text("{}")
    documents.write(path, judged(path)[1], {}, print)
    assert "undo.json" in {entry["path"] for entry in manifest.read(path)["files"]} and wrong(path) == []
    return path


def test_an_undo_json_that_was_changed_or_planted_after_the_seal_is_named(tmp_path: Path) -> None:
    path = not_restored(tmp_path)
    (path / "undo.json").write_text('{"run":"x"}')
    assert [where for where, _ in wrong(path)] == ["undo.json"]
    other = sealed(tmp_path, "leader_lock_2026-11-20T14-31-00")
    (other / "undo.json").write_text("{}")
    assert wrong(other) == [("undo.json", "was added after the run was sealed")]


@pytest.mark.parametrize("record", ["guardian.jsonl", "heal.jsonl"])
@pytest.mark.parametrize("event", ["gone", "given up", "gone with its lab"])
def test_one_that_was_removed_is_missed_unless_a_record_says_that_it_is_over(
    tmp_path: Path, record: str, event: str
) -> None:
    path = not_restored(tmp_path)
    (path / "undo.json").unlink()
    assert wrong(path) == [("undo.json", "is missing (No such file or directory)")]
    healed = Journal(path / record, of=journal.anchor(path))
    healed.write(event, change=f"{path.name}#0", ok=True)
    healed.close()
    if record == "guardian.jsonl":
        rewrite_unsealed(path)
    assert wrong(path) == []
    assert any("as it may" in item.what for item in verify.verify(path) if item.where == "undo.json")


def rewrite_unsealed(path: Path) -> None:
    """The guardian's record grows after the seal: here it began before."""
    data = manifest.read(path)
    file = path / "guardian.jsonl"
    data["files"] = [entry for entry in data["files"] if entry["path"] != "guardian.jsonl"]
    data["files"].append(
        {"path": "guardian.jsonl", "size": file.stat().st_size, "grows": True,
         "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    )  # fmt: skip
    data["files"].sort(key=lambda entry: manifest.place(entry["path"]))
    put(path, data)


def test_bundles_of_old_say_nothing_of_it(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    (path / "undo.json").write_text("{}")
    rewrite(path, schemaVersion=manifest.WITHOUT_UNDO)
    assert wrong(path) == []


def levels(path: Path) -> dict[str, tuple[str, str]]:
    return {item.where: (item.level, item.what) for item in verify.verify(path)}


def test_a_manifest_that_was_removed_is_missing_and_no_kill_is_told_of(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    (path / "manifest.json").unlink()
    told = "is missing: manifest.json.intoto.jsonl, which is about it, is there"
    assert wrong(path) == [("manifest.json", told)]
    (path / "manifest.json.intoto.jsonl").unlink()
    assert wrong(path) == [("manifest.json", "is missing: the run came to its end, so it was removed")]
    (path / "report.html").unlink()  # as a kill between the verdict and the seal leaves it, or who removes more
    level, what = levels(path)["manifest.json"]
    assert level == "unsure" and "it was removed, or the run was killed" in what
    (path / "summary.md").write_text("it is written after the page")
    assert wrong(path) == [("manifest.json", "is missing: the run came to its end, so it was removed")]


def stripped(path: Path) -> None:
    """The manifest is removed, with what is about it and the journal's verdict, which is its last line."""
    for name in ("manifest.json", "manifest.json.intoto.jsonl", "report.html"):
        (path / name).unlink(missing_ok=True)
    lines = (path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (path / "journal.jsonl").write_bytes(b"".join(line for line in lines if b'"event":"verdict"' not in line))


def test_a_verdict_that_was_cut_off_the_journal_is_missed_where_a_document_names_it(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    record, judgement = judged(path)
    csv_log.write(path.with_name(f"{path.name}.log"), record, judgement)
    stripped(path)
    told = "is missing, and so is the verdict in the journal:"
    assert wrong(path) == [("manifest.json", f"{told} results/chaos.json says held")]
    (path / "results" / "chaos.json").unlink()
    assert wrong(path) == [("manifest.json", f"{told} ../{path.name}.log says held")]
    path.with_name(f"{path.name}.log").unlink()
    later = "junit.xml, which is written after results/chaos.json, is there without it"
    assert wrong(path) == [("manifest.json", f"{told} {later}")]
    (path / "junit.xml").write_text("")  # on a full disk no document has anything in it
    assert levels(path)["manifest.json"][0] == "unsure"


def test_a_log_in_another_encoding_names_no_verdict(tmp_path: Path) -> None:
    path = told(Drill(stop_at="recovery"), tmp_path)
    path.with_name(f"{path.name}.log").write_bytes(b"verdict,\xff\n")
    assert levels(path)["manifest.json"][0] == "unsure"


def test_what_a_bundling_that_was_killed_leaves_of_a_killed_run_is_no_verdict_that_was_cut_off(tmp_path: Path) -> None:
    path = told(Drill(), tmp_path, verdict=False)
    record, judgement = journal.read(path / "journal.jsonl"), from_folder.judge_killed(path)
    documents.write(path, judgement, {}, print)
    csv_log.write(path.with_name(f"{path.name}.log"), record, judgement)
    for name in ("manifest.json", "manifest.json.intoto.jsonl"):
        (path / name).unlink()
    level, what = levels(path)["manifest.json"]
    assert level == "unsure" and "`report.bundle` seals what it left" in what


def healed(path: Path, of: str | None, name: str = "heal.jsonl") -> None:
    record = Journal(path / name, of=journal.anchor(path) if of is None else of)
    record.write(EventName.CLOSED_BY_OTHER, change="x#0")
    record.close()


def test_the_record_of_a_healing_is_bound_to_its_run(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    other = sealed(tmp_path, "leader_lock_2026-11-20T15-30-00", began="2026-11-20T15:30:00.000Z")
    assert journal.anchor(path) != journal.anchor(other) != ""
    healed(path, None)
    assert wrong(path) == []
    healed(path, journal.anchor(other), "heal_2.jsonl")
    assert [place for place, what in wrong(path) if "the record of another run" in what] == ["heal_2.jsonl"]
    (path / "heal_2.jsonl").unlink()
    rewrite(path, schemaVersion=manifest.WITHOUT_STATEMENTS)  # as of a version that did not bind them yet
    healed(path, "", "heal_3.jsonl")
    assert levels(path)["heal_3.jsonl"][0] in ("unsure", "note") and verify.exit_code(verify.verify(path)) == 30


def test_another_runs_guardian_is_named_where_nothing_is_sealed_too(tmp_path: Path) -> None:
    path, other = (
        told(Drill(stop_at="recovery"), tmp_path),
        sealed(tmp_path / "b", "x_2026", began="2026-11-20T15:30:00.000Z"),
    )
    healed(path, journal.anchor(other), "guardian.jsonl")
    assert ("guardian.jsonl", "wrong") in [(item.where, item.level) for item in verify.verify(path)]
    assert documents.guardian_of(path) is None


def test_what_another_run_has_given_up_is_not_given_up_here(tmp_path: Path) -> None:
    path, other = sealed(tmp_path), sealed(tmp_path, "x_2026", began="2026-11-20T15:30:00.000Z")
    for of, name in ((journal.anchor(other), "heal.jsonl"), (journal.anchor(path), "heal_2.jsonl")):
        record = Journal(path / name, of=of)
        record.write(EventName.GIVEN_UP, change=name, by="b", reason="r")
        record.close()
    assert list(heal_record.given_up(path)) == ["heal_2.jsonl"]


def test_a_listed_file_that_became_a_link_is_named_though_it_reads_the_same(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    (path / "journal.jsonl").rename(tmp_path / "elsewhere")
    (path / "journal.jsonl").symlink_to(tmp_path / "elsewhere")
    assert "journal.jsonl" in dict(wrong(path))
    with pytest.raises(Damaged, match="it is a link, and no run writes one"):
        journal.read(path / "journal.jsonl")


PLANTED = (
    "report.html", "junit.xml", "notes.jsonl", "manifest.json", "manifest.json.intoto.jsonl", "results/chaos.json",
    "journal.jsonl", "guardian.jsonl", "../LOG",
)  # fmt: skip


@pytest.mark.parametrize("what", ["pipe", "link", "link to nothing"])
@pytest.mark.parametrize("name", PLANTED)
def test_what_is_no_file_of_the_runs_own_is_wrong_and_nobody_waits_for_it(tmp_path: Path, name: str, what: str) -> None:
    path = sealed(tmp_path / "reports")
    notes.append(path, "as it was")
    name = name.replace("LOG", f"{path.name}.log")
    (path / name).rename(tmp_path / "elsewhere")
    if what == "pipe":
        os.mkfifo(path / name)
    else:
        (path / name).symlink_to(tmp_path / ("elsewhere" if what == "link" else "nowhere"))
    assert name in dict(wrong(path))


def test_a_reports_folder_may_be_a_link(tmp_path: Path) -> None:
    path = sealed(tmp_path / "reports")
    notes.append(path, "as it was")
    (tmp_path / "linked").symlink_to(tmp_path / "reports")
    assert wrong(tmp_path / "linked" / path.name) == [] and broken(tmp_path / "linked") == []


@pytest.mark.parametrize("what", ["pipe", "link"])
def test_a_neighbours_manifest_that_is_no_file_keeps_nobody_from_verifying_or_sealing(
    tmp_path: Path, what: str
) -> None:
    runs = chain(tmp_path, 2)
    (runs[0] / "manifest.json").rename(tmp_path / "elsewhere")
    if what == "pipe":
        os.mkfifo(runs[0] / "manifest.json")
    else:
        (runs[0] / "manifest.json").symlink_to(tmp_path / "elsewhere")
    assert (runs[0].name, "its manifest can't be read or was edited") in broken(tmp_path)
    assert manifest.read(sealed(tmp_path, "leader_lock_2026-11-20T14-39-00"))["chain"]["sequence"] == 3


@pytest.mark.parametrize("name", ["notes.jsonl", "manifest.json"])
def test_no_note_is_added_to_what_is_no_file(tmp_path: Path, name: str) -> None:
    path = sealed(tmp_path)
    (path / name).unlink(missing_ok=True)
    os.mkfifo(path / name)
    with pytest.raises((Damaged, OSError), match="it is no file"):
        notes.append(path, "x")
