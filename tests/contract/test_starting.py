"""`chaos.init` before processes that run without a container: the control that it proposes is the one that works."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from blackstart import controls
from blackstart.base.errors import StepFailed
from blackstart.commands.starting import parts, recognized, running
from blackstart.commands.starting.draft import Draft, Sourced
from blackstart.commands.starting.running import Running
from blackstart.model.control import Control
from blackstart.model.target import Service
from tests.contract.kafka_broker import Broker, kafka_broker
from tests.requirements import require
from tests.services import Supervised, carry_out, eventually, supervised_redis

_NOBODY = 65534


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Supervised]:
    with supervised_redis(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as made:
        yield made


def found(address: str) -> Running:
    (one,) = [one for one in running.listening([]) if one.address == address]
    return one


def control_of(table: object) -> Control:
    return controls.of(Service("one", control=table)).resolve()  # type: ignore[arg-type]


def test_who_listens_and_is_another_users_is_told_as_not_known(lab: Supervised) -> None:
    require("root")
    assert f"127.0.0.1:{lab.port}" not in running.hidden([])
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            seen = [one.address for one in running.listening([])]
            os.write(write, json.dumps([seen, running.hidden([]), running.hidden([f"127.0.0.1:{lab.port}"])]).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        seen, hidden, others = json.load(told)
    os.waitpid(child, 0)
    ours = {f"127.0.0.1:{lab.port}"}
    assert not ours & {*seen} and ours <= {*hidden} and not ours & {*others}


def test_a_program_of_a_supervisord_is_controlled_as_that_program(lab: Supervised) -> None:
    one = found(f"127.0.0.1:{lab.port}")
    assert one.control == {"supervisor": "redis", "config": str(lab.config)} and one.open == ()
    assert recognized.protocol(one) == "redis"
    assert "SECURITY ATTACK" not in lab.ctl("tail", "redis")  # what Redis says of a request by HTTP
    assert one.told.startswith("program redis of supervisord (process ")
    control = control_of(one.control)
    assert control.read_state().pid == lab.pid()
    carry_out(control.stop())
    assert "STOPPED" in lab.ctl("status", "redis")
    carry_out(control.start())
    assert "RUNNING" in lab.ctl("status", "redis")


def test_a_supervisord_that_can_not_be_asked_is_told_and_nothing_else_is_taken_for_it(lab: Supervised) -> None:
    lab.config.write_text(lab.config.read_text().replace("[supervisorctl]", "[supervisorctl_not]"))
    one = found(f"127.0.0.1:{lab.port}")
    assert list(one.control) == ["manual"]
    assert "can't be asked: " in one.told and "has no [supervisorctl] section" in one.told


def test_a_supervisord_that_ends_itself_is_told_as_that(lab: Supervised) -> None:
    """Its last program takes its time, and until then it answers nothing but that it ends."""
    stubborn = "[program:stubborn]\ncommand=/bin/sh -c 'trap \"\" TERM; exec sleep 600'\nstopwaitsecs=20\nstartsecs=0\n"
    lab.config.write_text(lab.config.read_text() + stubborn)
    control = control_of({"supervisor": "redis", "config": str(lab.config)})
    lab.ctl("update")
    assert eventually(lambda: lab.ctl("pid", "stubborn").strip() not in ("", "0"))
    stays = psutil.Process(int(lab.ctl("pid", "stubborn")))
    assert eventually(lambda: "sleep" in stays.cmdline())  # the signal is ignored by then
    lab.ctl("shutdown")
    try:
        with pytest.raises(StepFailed, match="says SHUTDOWN_STATE"):
            control.resolve()
    finally:
        stays.kill()


@pytest.mark.kafka
def test_a_kafka_that_runs_by_itself_is_found_and_its_own_command_line_is_proposed(broker: Broker) -> None:
    assert broker.process is not None
    said: list[str] = []
    seen = [each.one for each in parts.look(said.append) if each.speaks == "kafka"]
    (one,) = [one for one in seen if one.address == broker.address]
    assert list(one.control) == ["manual"] and f"kafka, process {broker.process.pid}, " in one.told
    assert any(f"{broker.address}" in line and line.endswith(": kafka") for line in said)
    made = Draft({"name": Sourced("x"), "kind": Sourced("flash-sale"), "api": Sourced("http://127.0.0.1:1")})
    text = (
        made.with_service("kafka", {"control": Sourced(dict(one.control))})
        .left_open("services.kafka", *one.open)
        .text()
    )
    line = next(line for line in text.splitlines() if line.startswith("# control = "))
    control = control_of(tomllib.loads(line.removeprefix("# "))["control"])
    assert control.read_state().pid == broker.process.pid
    carry_out(control.stop())
    broker.process.wait(10)
    try:
        carry_out(control.start())
        assert eventually(lambda: broker.lab.lacks() is None, within_s=60)
    finally:
        carry_out(control.stop())
