"""Bundles: made, verified, signed later, and made of what a killed run left; never of one that is still at work."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from blackstart.commands import attesting
from blackstart.evidence import folder, journal, manifest, signing, verify
from blackstart.model.verdict import Verdict
from blackstart.verdict import from_folder
from tests.unit.evidence.bundles import NAME, key, sealed
from tests.unit.reports.drills import Drill, told


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


def test_a_forged_pass_whose_hashes_all_fit_is_judged_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict stands in the journal's last line, from which no other follows."""
    path = told(Drill(run=NAME, leads_again=False, end_s=9.5), place / "forged")
    data = (path / "journal.jsonl").read_bytes().replace(b'"verdict":"broke"', b'"verdict":"held"')
    (path / "journal.jsonl").write_bytes(data)
    assert attesting.bundle("", str(path.parent), "") == 0  # as if it had been killed before it was sealed
    results = json.loads((path / "results/chaos.json").read_text())
    assert results["verdict"] == manifest.read(path)["verdict"] == "held"
    capsys.readouterr()
    assert verified(path, path.parent) == 30
    assert "says held, and judged again it is broke" in capsys.readouterr().out


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
