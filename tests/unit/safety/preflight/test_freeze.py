"""The freeze switch, in each of its forms: set, not set, and not to be read, which is as good as set."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base import operator
from blackstart.base.errors import BadFlag, Refused
from blackstart.engine import run
from blackstart.model.step import Command
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.preflight import freeze
from blackstart.safety.preflight.freeze import NAMED, UNREADABLE, Unreadable
from tests.services import eventually as waited
from tests.unit.probes.servers import answering, free_port, http, serving
from tests.unit.safety.file_fault import without
from tests.unit.stage import Told, drill

ALERT = "FreezeDrills"


def says(environ: dict[str, str]) -> str:
    with pytest.raises(Refused) as refused:
        freeze.refuse(environ)
    return str(refused.value)


def test_nothing_is_frozen_where_nobody_said_so() -> None:
    freeze.refuse({})


def test_the_machines_own_switch_is_told_with_reason_who_and_when_and_lifted() -> None:
    path = freeze.freeze("the exchange opens at nine", "", {})
    assert path == freeze.machines_own() and path.stat().st_mode & 0o777 == 0o644
    told = says({})
    assert re.match(
        r"Not started: frozen by \S+/freeze\.json, set by \S+@\S+ since 20\d\d-\S+Z: the exchange opens", told
    )
    assert operator.name() in told and "chaos.thaw" in told
    with pytest.raises(Refused, match="already frozen"):
        freeze.freeze("again", "", {})
    assert [one.reason for one in freeze.thaw({})] == ["the exchange opens at nine"]
    freeze.refuse({})
    assert freeze.thaw({}) == []


def test_a_named_file_is_set_by_being_there_and_its_text_is_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "freeze"
    environ = {NAMED: str(file)}
    freeze.refuse(environ)
    file.write_text("an incident\n")
    told = says(environ)
    assert f"frozen by {file}, set by {file.owner()} since 20" in told and told.count(": an incident.") == 1
    file.write_text("")
    assert "no reason was given" in says(environ)
    file.write_text(json.dumps({"reason": "release", "by": "anna", "since": "09:00"}))
    assert f"frozen by {file}, set by anna since 09:00: release" in says(environ)
    assert [one.by for one in freeze.thaw(environ)] == ["anna"] and not file.exists()


def test_the_named_file_is_the_one_that_is_set_and_the_machines_own_counts_beside_it(tmp_path: Path) -> None:
    environ = {NAMED: str(tmp_path / "freeze")}
    freeze.freeze("for all of us", "anna", {})
    assert "for all of us" in says(environ)
    assert freeze.freeze("for CI", "bob", environ) == tmp_path / "freeze"
    assert {one.reason for one in freeze.thaw(environ)} == {"for all of us", "for CI"}


@pytest.mark.parametrize("made", ["folder", "nowhere", "pipe", "dangling"])
def test_a_file_that_nobody_can_read_refuses_unless_said_otherwise(tmp_path: Path, made: str) -> None:
    path = tmp_path / ("gone/freeze" if made == "nowhere" else "freeze")
    if made == "folder":
        path.mkdir()
    elif made == "pipe":
        os.mkfifo(path)
    elif made == "dangling":
        path.symlink_to(tmp_path / "unmounted" / "freeze")
    with pytest.raises(Unreadable, match=f"{path}.*can't be read.*{UNREADABLE}=go"):
        freeze.refuse({NAMED: str(path)})
    freeze.refuse({NAMED: str(path), UNREADABLE: "go"})


def test_who_is_killed_while_he_sets_it_has_set_it_and_it_can_be_lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> str:
        raise SystemExit

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(json, "dumps", killed)
        with pytest.raises(SystemExit):
            freeze.freeze("an incident", "", {})
    assert "no reason was given" in says({})
    assert [path.name for path in freeze.machines_own().parent.iterdir()] == ["freeze.json"]
    assert len(freeze.thaw({})) == 1
    freeze.refuse({})


def test_where_the_reason_can_not_be_written_the_switch_is_set_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(json, "dumps", full)
        with pytest.raises(Refused, match="is set, and does not say why: No space left on device"):
            freeze.freeze("an incident", "", {})
    assert "no reason was given" in says({})


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_in_the_folder_of_all_is_not_followed_and_nothing_of_what_it_leads_to_is_told(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    secret = tmp_path / ".pgpass"
    secret.write_text("hunter22")
    link(secret, freeze.machines_own())
    told = says({})
    assert "hunter22" not in told and operator.name() not in told and UNREADABLE in told
    with pytest.raises(Unreadable):
        freeze.freeze("an incident", "", {})
    with pytest.raises(Unreadable):
        freeze.thaw({})
    freeze.refuse({UNREADABLE: "go"})
    assert secret.read_text() == "hunter22"


def test_a_named_file_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "told").write_text("an incident")
    (tmp_path / "freeze").symlink_to(tmp_path / "told")
    assert "an incident" in says({NAMED: str(tmp_path / "freeze")})


def test_what_may_go_on_unread_does_not_go_on_when_it_is_read_as_set(tmp_path: Path) -> None:
    freeze.freeze("no", "", {})
    assert "frozen by" in says({NAMED: str(tmp_path / "gone" / "freeze"), UNREADABLE: "go"})


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({NAMED: "ftp://host/freeze"}, "nobody knows ftp://"),
        ({NAMED: "prometheus+http://host:9090/"}, "alert=NAME"),
        ({UNREADABLE: "maybe"}, "must be refuse or go"),
    ],
)
def test_what_names_no_switch_is_refused_by_its_variable(environ: dict[str, str], told: str) -> None:
    with pytest.raises(BadFlag, match=told) as bad:
        freeze.refuse(environ)
    assert next(iter(environ)) in str(bad.value)


# ---------------------------------------------------------------- by HTTP


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"frozen": true, "reason": "Black Friday", "by": "ops", "since": "2026-11-27"}',
         "by ops since 2026-11-27: Black Friday"),
        (b'{"frozen": true}', "no reason was given"),
        (b"frozen: the auditors are here", ": the auditors are here."),
        (b"Frozen\n", "no reason was given"),
        (b'{"frozen": false, "reason": "last week"}', ""),
        (b"thawed\n", ""),
    ],
)  # fmt: skip
def test_a_url_is_set_as_its_answer_says(body: bytes, told: str) -> None:
    with serving(answering(http(body))) as port:
        environ = {NAMED: f"http://127.0.0.1:{port}/freeze"}
        if not told:
            freeze.refuse(environ)
        else:
            assert told in says(environ) and "it is lifted where it is kept" in says(environ)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (http(b"<html>Log in</html>"), "neither"),
        (http(b'{"frozen": "no"}'), "neither"),
        (http(b"frozenly"), "neither"),
        (http(b'{"frozen": false}', "404 Not Found"), "it answers 404"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nthawed", "."),
    ],
)
def test_an_answer_that_says_neither_refuses(answer: bytes, why: str) -> None:
    with serving(answering(answer, close=True)) as port:
        environ = {NAMED: f"http://127.0.0.1:{port}/freeze"}
        assert why in says(environ) and "can't be read" in says(environ)
        freeze.refuse(environ | {UNREADABLE: "go"})


def test_nobody_there_refuses_and_its_password_is_shown_nowhere() -> None:
    told = says({NAMED: f"http://ops:hunter22@127.0.0.1:{free_port()}/freeze"})
    assert "can't be read: ConnectionError" in told and "hunter22" not in told


# ---------------------------------------------------------------- an alert


def rules(*made: dict[str, object]) -> Callable[[socket.socket], None]:
    return answering(http(json.dumps({"status": "success", "data": {"groups": [{"rules": made}]}}).encode()))


def rule(name: str = ALERT, health: str = "ok", **alert: object) -> dict[str, object]:
    return {"name": name, "health": health, "alerts": [alert] if alert else []}


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (rule(), ""),
        (rule(state="pending"), ""),
        (rule(state="firing", activeAt="2026-11-27T09:00:00Z", annotations={"summary": "p99 is high"}),
         "set by Prometheus since 2026-11-27T09:00:00Z: p99 is high"),
        (rule(state="firing"), f"the alert {ALERT} fires"),
        (rule("Another", state="firing"), "no rule has that name"),
        (rule(health="err"), "its rule's health is err"),
        (rule(health="unknown"), "its rule's health is unknown"),
    ],
)  # fmt: skip
def test_an_alert_freezes_while_it_fires_and_one_that_nobody_defined_is_no_leave(
    made: dict[str, object], told: str
) -> None:
    with serving(rules(made)) as port:
        environ = {NAMED: f"prometheus+http://127.0.0.1:{port}/?alert={ALERT}"}
        if told:
            assert told in says(environ)
        else:
            freeze.refuse(environ)


def test_what_is_no_prometheus_can_not_be_read() -> None:
    with serving(answering(http(b"{}"))) as port:
        assert "no answer of Prometheus" in says({NAMED: f"prometheus+http://127.0.0.1:{port}/?alert={ALERT}"})


# ---------------------------------------------------------------- a run that goes on


def test_a_switch_that_is_set_meanwhile_ends_the_fault_and_it_is_undone(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault itself sets the switch: the run holds for a minute, and would be green in the end."""
    monkeypatch.setattr(freeze, "LOOKS_EVERY_S", 0.02)
    switch = tmp_path / "freeze"
    monkeypatch.setenv(NAMED, str(switch))
    change = without(files[0])
    set_it = Command(("sh", "-c", f"echo an incident >{switch}.new && mv {switch}.new {switch}"))
    made = drill(files[0], hold_min_s=60.0, hold_max_s=60.0)
    told = Told(tmp_path, made, replace(change, do=(*change.do, set_it)))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert "an incident" in told.result.judgement.reasons[0]
    assert files[0].exists() and Ledger().outstanding() == []


def test_a_switch_that_is_set_during_the_baseline_refuses_before_anything_is_touched(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "LOOKS_EVERY_S", 0.02)
    switch, entered = tmp_path / "freeze", run.rehearsal.rehearse
    monkeypatch.setenv(NAMED, str(switch))
    told = Told(tmp_path, drill(files[0]), without(files[0]))

    def rehearse(changes: object) -> list[str]:
        whole = switch.with_suffix(".new")
        whole.write_text("an incident")
        whole.rename(switch)  # never there without its text, however soon it is looked at
        assert waited(lambda: told.run.freeze.frozen is not None)
        return entered(changes)  # type: ignore[arg-type]

    monkeypatch.setattr(run.rehearsal, "rehearse", rehearse)
    told.end()
    assert told.outcome == ("refused", 40)
    assert "an incident" in told.result.judgement.reasons[0] and not told.record.of("do")


def test_a_switch_that_can_not_be_read_meanwhile_ends_nothing(
    tmp_path: Path, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAMED, str(tmp_path / "unmounted" / "freeze"))
    told = Told(tmp_path, drill(files[0]), without(files[0]))
    told.end()
    assert told.outcome == ("held", 0)
