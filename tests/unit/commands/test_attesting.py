"""Bundles: made, verified, signed later, and made of what a killed run left; never of one that is still at work."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from blackstart.commands import attesting
from blackstart.evidence import attestation, folder, journal, manifest, signing, verify
from blackstart.model.verdict import Verdict
from blackstart.reports import documents
from blackstart.verdict import from_folder
from tests.unit.evidence.bundles import NAME, key, sealed
from tests.unit.reports.drills import Drill, judged, told


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two keys, an unsigned run, and one that was killed before its verdict, in reports folders of their own."""
    place = tmp_path_factory.mktemp("made")
    key(place), key(place, "other.pem")
    sealed(place / "held")
    killed = told(Drill(run=NAME, stop_at="end"), place / "killed")
    (place / "killed" / f"{NAME}.log").unlink()
    with (killed / "journal.jsonl").open("ab") as file:
        file.write(b'{"n":9999,"at"')
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    return shutil.copytree(made, tmp_path / "copy")


def verified(run: Path, reports: Path, by: str = "") -> int:
    return attesting.check(str(run), str(reports), by)


def test_a_run_is_bundled_signed_later_and_verified_with_the_key(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, reports = place / "run.zip", place / "held"
    assert attesting.bundle("", str(reports), str(out)) == 0
    assert verified(out, reports) == 0 and "unsigned" in capsys.readouterr().out
    assert verified(out, reports, str(place / "key.pem.pub")) == 20
    monkeypatch.setenv(signing.VARIABLE, str(place / "key.pem"))
    assert attesting.bundle("", str(reports), str(out)) == 0
    assert verified(out, reports, str(place / "key.pem.pub")) == 0
    before = out.read_bytes()
    assert attesting.bundle("", str(reports), str(out)) == 0 and out.read_bytes() == before
    capsys.readouterr()
    assert verified(out, reports, str(place / "other.pem.pub")) == 20
    assert "SOMETHING IS WRONG, first of all: manifest.json.intoto.jsonl line 1 is signed by" in capsys.readouterr().out
    monkeypatch.setenv(signing.VARIABLE, str(place / "other.pem"))
    assert attesting.bundle("", str(reports), str(out)) == 0
    assert "signed already" in capsys.readouterr().out and out.read_bytes() == before


def test_an_altered_run_is_not_bundled_and_an_altered_zip_is_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, run = place / "run.zip", place / "held" / NAME
    assert attesting.bundle("", str(run.parent), str(out)) == 0
    with zipfile.ZipFile(out, "a") as bundle:
        bundle.writestr(f"{NAME}/../x", "x")
    capsys.readouterr()
    assert verified(out, run.parent) == 20
    assert "run.zip" in capsys.readouterr().out.splitlines()[-1]
    out.unlink()
    (run / "junit.xml").write_text("<all-is-well/>")
    assert attesting.bundle("", str(run.parent), str(out)) == 20 and not out.exists()
    assert "first of all: junit.xml has" in capsys.readouterr().out


def forged(path: Path, experiment: object = None) -> None:
    """A run that broke, told as one that held: journal, results and manifest, with every hash made to fit."""
    events, prev = [json.loads(line) for line in (path / "journal.jsonl").read_bytes().splitlines()], ""
    events[0] |= {"experiment": experiment} if experiment else {}
    next(event for event in events if event["event"] == "verdict").update(verdict="held", reasons=[])
    with (path / "journal.jsonl").open("wb") as file:
        for event in events:
            line = json.dumps(event | {"prev": prev}).encode()
            file.write(line + b"\n")
            prev = hashlib.sha256(line).hexdigest()[:32]
    results = path / "results/chaos.json"
    if results.exists():
        results.write_text(results.read_text().replace('"broke"', '"held"').replace('"fail"', '"pass"'))
    if not (path / manifest.NAME).exists():
        return
    sealed_ = manifest.read(path)
    (path / manifest.NAME).unlink()
    head = events[0]
    said = manifest.claims(head) if sealed_["schemaVersion"] == manifest.SCHEMA else {"spec": sealed_["spec"]}
    digests = {name: file for name, file in manifest.files_of(path)}
    for entry in sealed_["files"]:
        file_ = digests[entry["path"]]
        entry |= {"size": file_.stat().st_size, "sha256": manifest.sha256(file_)}
    journal_ = manifest.sha256(path / "journal.jsonl")
    made = {**sealed_, **said, "verdict": "held", "reason": "", "bundleId": manifest.bundle_id(path.name, journal_)}
    (path / manifest.NAME).write_bytes(manifest.canonical(made))
    if made["schemaVersion"] == manifest.SCHEMA:
        attestation.write(path, made, None)


@pytest.mark.parametrize(
    ("experiment", "doubt"),
    [(None, "judged again it is broke"), ({"is": "mine:Mine"}, "can't be judged again"),
     ({"is": "user:0123456789abcdef:Mine"}, "name it with --experiment FILE")],
)  # fmt: skip
def test_a_forged_pass_whose_hashes_all_fit_is_unsure_and_never_signed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], experiment: object, doubt: str
) -> None:
    path = told(Drill(run=NAME, leads_again=False, end_s=9.5), place / "forged")
    documents.write(path, judged(path)[1], {}, print)
    forged(path, experiment)
    assert verified(path, path.parent) == 30
    out = capsys.readouterr().out
    assert "says held, and" in out and doubt in out
    monkeypatch.setenv(signing.VARIABLE, str(place / "key.pem"))
    assert attesting.bundle("", str(path.parent), "") == 40
    assert doubt in capsys.readouterr().err and attestation.signed_by(path) == ""
    assert not path.with_name(f"{NAME}.zip").exists()


def test_a_forged_verdict_of_a_run_that_was_not_sealed_yet_is_not_sealed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = told(Drill(run=NAME, leads_again=False, end_s=9.5), place / "forged")
    forged(path)  # as if it had been killed before it was sealed
    assert attesting.bundle("", str(path.parent), "") == 40
    assert "says held, and judged again it is broke" in capsys.readouterr().err
    assert not (path / manifest.NAME).exists()


def test_a_zip_is_one_by_how_it_begins_whatever_it_is_called(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("run.ZIP", "run.dat"):
        assert attesting.bundle("", str(place / "held"), str(place / name)) == 0
        assert verified(place / name, place / "held") == 0
        (place / name).write_bytes((place / name).read_bytes()[:-40])
        assert verified(place / name, place / "held") == 20


def test_a_killed_run_gives_a_bundle_that_is_inconclusive_and_can_be_verified(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(signing.VARIABLE, str(place / "key.pem"))
    run = place / "killed" / NAME
    assert verified(run, run.parent) == 30 and "`report.bundle` seals" in capsys.readouterr().out
    with folder.at_work(run) as handles:
        assert handles and attesting.bundle("", str(run.parent), "") == 40
    assert "still at work" in capsys.readouterr().err and not (run / "manifest.json").exists()
    assert attesting.bundle("", str(run.parent), "") == 0
    said = manifest.read(run)
    assert (said["verdict"], said["reason"].partition(";")[0]) == (
        "inconclusive",
        "the run was killed before its verdict",
    )
    assert json.loads((run / "results/chaos.json").read_text())["verdict"] == "inconclusive"
    assert run.with_name(f"{NAME}.log").read_text().splitlines()[-1] == "test_result,INCONCLUSIVE"
    assert verified(run.with_name(f"{NAME}.zip"), run.parent, str(place / "key.pem.pub")) == 0
    assert verified(run, run.parent, str(place / "key.pem.pub")) == 0
    forged = said | {"verdict": "held", "reason": ""}
    (run / "manifest.json").write_bytes(manifest.canonical(forged))
    told_ = [found.what for found in verify.verify(run) if found.level == "wrong"]
    assert "says held, but the journal has no verdict" in told_
    (run / "manifest.json").unlink()
    assert attesting.bundle("", str(run.parent), "") == 20  # it was sealed once, and is not sealed anew


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({"leads_again": False, "end_s": 9.5}, Verdict.INCONCLUSIVE),
        ({}, Verdict.INCONCLUSIVE),
        ({"gone_ok": False}, Verdict.NOT_RESTORED),
    ],
)
def test_a_run_that_was_killed_after_its_end_neither_held_nor_broke(
    tmp_path: Path, more: dict[str, object], verdict: Verdict
) -> None:
    path = told(Drill(run=NAME, **more), tmp_path, verdict=False)  # type: ignore[arg-type]
    judgement = from_folder.judge_killed(path)
    assert judgement.verdict == verdict and journal.read(path / "journal.jsonl").last("verdict") is None  # type: ignore[arg-type]


def test_a_key_is_made_and_told_of_without_a_part_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert attesting.keygen(str(tmp_path / "k")) == 0
    out = capsys.readouterr().out
    assert f"report.verify --key {tmp_path}/k.pub" in out
    assert (tmp_path / "k").read_text().splitlines()[1] not in out
    assert attesting.keygen(str(tmp_path / "k")) == 40
