"""Which runs the catalog is made of: what was sealed as it stands there, wherever a job has left it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from blackstart.commands import catalog
from blackstart.evidence import notes
from blackstart.reports.story import RunView
from tests.unit.reports.conftest import runs, stories
from tests.unit.reports.test_catalog import HEAD, document
from tests.unit.reports.test_chaos_json import BURST, scenario

__all__ = ["runs", "stories"]


def ran(folder: Path, began: str = "2026-11-20T14:30:00.000Z", made: dict[str, Any] | None = None) -> Path:
    """A sealed run, as far as the catalog looks at one."""
    (folder / "results").mkdir(parents=True)
    (folder / "journal.jsonl").write_text(json.dumps({**HEAD, "run": folder.name, "began": began}) + "\n")
    data = json.dumps(made or document()).encode()
    (folder / "results" / "chaos.json").write_bytes(data)
    sealed = {"files": [{"path": "results/chaos.json", "sha256": hashlib.sha256(data).hexdigest()}]}
    (folder / "manifest.json").write_text(json.dumps(sealed))
    return folder


def written(reports: Path) -> str:
    assert catalog.write(str(reports), "") == 0
    return (reports / "catalog.md").read_text()


def test_runs_in_folders_of_the_folder_count_with_what_was_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = ran(tmp_path / "job-1" / "leader_lock_1")
    ran(tmp_path / "leader_lock_2", "2026-11-21T14:30:00.000Z")
    shutil.copytree(first, tmp_path / "a-copy" / "leader_lock_1")
    shutil.copytree(first, tmp_path / "z-copy" / "leader_lock_1")
    notes.append(first, "it is slow", "anna", kind="learning")
    notes.append(first, "a word to nobody", "bob")
    text = written(tmp_path)
    assert "held in both runs" in text and "it is slow (anna, 20" in text and "a word to nobody" not in text
    assert "stop redis." in text  # its experiment is of a class that nobody loaded: what was done is known all the same
    out = capsys.readouterr().out
    assert f"{tmp_path}/catalog.html\nruns: 2, failures: 1, runs left out: 0" in out


def test_what_is_not_as_it_was_sealed_is_left_out_with_its_reason(tmp_path: Path) -> None:
    ran(tmp_path / "good")
    altered = ran(tmp_path / "altered") / "results" / "chaos.json"
    altered.write_text(altered.read_text().replace('"held"', '"broke"'))
    (ran(tmp_path / "killed") / "manifest.json").unlink()
    notes.append(ran(tmp_path / "noted"), "one")
    (tmp_path / "noted" / "notes.jsonl").write_text("torn\n")
    (ran(tmp_path / "strange") / "journal.jsonl").write_text("{}\n")
    (ran(tmp_path / "linked") / "more").symlink_to(tmp_path)
    text = written(tmp_path)
    left_out = text.partition("## Runs that are not in it\n")[2]
    assert "held in its only run" in text
    why = dict(line.removeprefix("- **1 run, ").split("**: ") for line in left_out.strip().splitlines())
    places = {where: reason for reason, where in why.items()}
    assert places[f"`{tmp_path}/altered`"].startswith("its results/chaos.json is not what was sealed")
    assert places[f"`{tmp_path}/killed`"].startswith("it was killed before its end")
    assert places[f"`{tmp_path}/noted`"].startswith("its notes: line 1 is torn")
    assert places[f"`{tmp_path}/strange`"] == "its record has another form (KeyError)"
    assert f"`{tmp_path}/linked`" in places and f"`{tmp_path}/good`" not in places


def test_a_load_that_is_an_injection_is_no_other_form(tmp_path: Path, stories: dict[str, RunView]) -> None:
    """As the writer of results writes it: how much was sent, and not what it did."""
    made = scenario(stories["broke"], BURST, load={"sent": 10})
    assert [one["stats"] for one in made["scenarios"][0]["injections"]] == [{"sent": 10}]
    ran(tmp_path / "burst", made=made)
    text = written(tmp_path)
    assert "Runs that are not in it" not in text and "**What broke**: `leader_1_again`" in text
    assert "0 of 0 runs that broke something proved it undone" in text  # a load is nothing to undo


def test_where_there_are_no_runs_there_is_no_catalog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert catalog.write(str(tmp_path), "") == 40
    assert "there are no runs" in capsys.readouterr().err and not (tmp_path / "catalog.md").exists()
    ran(tmp_path / "one")
    assert catalog.write(str(tmp_path), str(tmp_path / "nowhere" / "c.md")) == 40
    assert "Name another file with --out" in capsys.readouterr().err
