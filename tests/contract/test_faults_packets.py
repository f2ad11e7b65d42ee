"""Faults on packets, against a real Redis in a network namespace: rules and queues bite, and only ours go again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.controls.steps.shell import to_shell
from blackstart.faults.drop import Drop
from blackstart.faults.netem import Netem
from blackstart.faults.reject import Reject
from blackstart.faults.tbf import Tbf
from blackstart.model.change import Change, Fault
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore, stays_gone
from blackstart.safety.preflight.rehearsal import rehearse
from tests.netns import Netns, answers, netns, sh
from tests.requirements import require
from tests.services import by_shell, carry_out, eventually, free_port, redis_server, so

pytestmark = pytest.mark.root

RULES: tuple[Fault, ...] = (Drop("redis"), Reject("redis"))
SLOW = Tbf("redis", 100)
EVERY = (*RULES, SLOW)
SOMEBODY_ELSES = ("INPUT", "-p", "tcp", "--dport", "1", "-m", "comment", "--comment", "blackstart:mine", "-j", "DROP")


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    require("root", "netns")
    with netns() as made:
        yield made


@pytest.fixture(autouse=True)
def clean(space: Netns) -> Iterator[None]:
    yield
    for tool in ("iptables", "ip6tables"):
        space.inside(tool, "-F")
    space.inside("tc", "qdisc", "del", "dev", space.inner, "root", check=False)


def target(space: Netns, **more: Any) -> Target:
    net = {"netns": space.name, "interface": space.inner}
    service = Service("redis", address=f"{space.theirs}:{space.port}", dsn="redis://ignored", net=net)
    return Target("test", services={"redis": replace(service, **more)})


def planned(fault: Fault, where: Target) -> Change:
    """The fault's change, as the guardian reads it from the ledger."""
    (change,) = fault.plan(where)
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.describe())
def test_it_bites_on_the_wire_and_its_undo_leaves_only_what_was_there(space: Netns, fault: Fault) -> None:
    space.inside("iptables", "-A", *SOMEBODY_ELSES)
    before = (space.rules(), space.queues())
    change = planned(fault, target(space))
    rehearse([change])
    assert (space.rules(), space.queues()) == before
    carry_out(change.do)
    assert eventually(lambda: so(change.bites), 20), [str(c) for c in change.bites]
    assert not so(change.gone)
    assert answers(space) is (fault == SLOW)
    assert restore(change, print, 20)
    assert stays_gone(change, 1.0)
    assert (space.rules(), space.queues()) == before
    assert answers(space)


@pytest.mark.parametrize("fault", EVERY, ids=lambda fault: fault.describe())
def test_heal_sh_undoes_it_with_plain_shell_however_often_it_was_done(space: Netns, fault: Fault) -> None:
    before = (space.rules(), space.queues())
    change = planned(fault, target(space))
    carry_out(change.do)
    if fault in RULES:
        carry_out(change.do)
    by_shell(change.undo)
    by_shell(change.undo)
    assert (space.rules(), space.queues()) == before
    assert eventually(lambda: is_gone(change))


def test_a_rule_comes_before_those_that_are_there(space: Netns) -> None:
    space.inside("iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(space.port), "-j", "ACCEPT")
    change = planned(Drop("redis"), target(space))
    carry_out(change.do)
    assert "blackstart:test/redis/drop" in space.rules()[0] and space.rules()[1].endswith("-j ACCEPT")
    assert restore(change, print, 10)
    assert [rule for rule in space.rules() if "ACCEPT" in rule]


def test_an_equal_rule_without_our_mark_stays(space: Netns) -> None:
    change = planned(Drop("redis"), target(space))
    carry_out(change.do)
    space.inside("iptables", "-A", "INPUT", "-p", "tcp", "--dport", str(space.port), "-j", "DROP")
    by_shell(change.undo)
    (left,) = space.rules()
    assert "blackstart" not in left and left.endswith("-j DROP")


def test_only_the_services_own_packets_are_slowed_down(space: Netns) -> None:
    change = planned(SLOW, target(space))
    carry_out(change.do)
    shown = space.inside("tc", "-s", "class", "show", "dev", space.inner)
    assert "class htb" in shown
    assert eventually(lambda: so(change.bites), 20)
    through_class = space.inside("tc", "-s", "-j", "qdisc", "show", "dev", space.inner)
    tbf = next(queue for queue in json.loads(through_class) if queue["kind"] == "tbf")
    packets = tbf["packets"]
    space.inside("ping", "-c", "3", "-i", "0.2", space.ours, check=False)
    again = json.loads(space.inside("tc", "-s", "-j", "qdisc", "show", "dev", space.inner))
    assert next(queue for queue in again if queue["kind"] == "tbf")["packets"] >= packets
    assert restore(change, print, 20)


def test_a_root_queue_of_somebody_else_is_refused_and_stays(space: Netns) -> None:
    space.inside(
        "tc",
        "qdisc",
        "add",
        "dev",
        space.inner,
        "root",
        "handle",
        "7:",
        "tbf",
        "rate",
        "1gbit",
        "burst",
        "1mb",
        "latency",
        "1s",
    )
    with pytest.raises(Refused, match="has a root queue already"):
        SLOW.plan(target(space))
    assert "tbf 7:" in space.queues()


def test_a_queue_of_somebody_else_that_takes_our_place_stays(space: Netns) -> None:
    change = planned(SLOW, target(space))
    carry_out(change.do)
    space.inside("tc", "qdisc", "replace", "dev", space.inner, "root", "handle", "7:", "pfifo")
    by_shell(change.undo)
    assert "pfifo 7:" in space.queues() and is_gone(change)


@pytest.fixture
def published(space: Netns) -> Iterator[int]:
    """A port of the namespace that leads to a Redis in a namespace behind it, as Docker publishes one."""
    behind, port = f"{space.name}-c", free_port()
    sh("ip", "netns", "add", behind)
    sh("ip", "link", "add", "c0", "netns", space.name, "type", "veth", "peer", "name", "eth0", "netns", behind)
    for name, device, address in ((space.name, "c0", "10.214.77.1/30"), (behind, "eth0", "10.214.77.2/30")):
        sh("ip", "-n", name, "addr", "add", address, "dev", device)
        sh("ip", "-n", name, "link", "set", device, "up")
    sh("ip", "-n", behind, "route", "add", "default", "via", "10.214.77.1")
    space.inside("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    to = ("-p", "tcp", "-d", space.theirs, "--dport", str(port), "-j", "DNAT", "--to-destination", "10.214.77.2:6379")
    for chain in ("PREROUTING", "OUTPUT"):
        space.inside("iptables", "-t", "nat", "-A", chain, *to)
    space.inside("iptables", "-N", "DOCKER-USER")
    space.inside("iptables", "-A", "FORWARD", "-j", "DOCKER-USER")
    argv = ["ip", "netns", "exec", behind, redis_server(), "--port", "6379", "--bind", "*", "--protected-mode", "no"]
    server = subprocess.Popen([*argv, "--save", ""], stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: answers(replace(space, port=port)), 20)
        yield port
    finally:
        server.kill()
        server.wait(timeout=10)
        for words in (("-t", "nat", "-F"), ("-F",), ("-X", "DOCKER-USER")):
            space.inside("iptables", *words)
        sh("ip", "netns", "del", behind)


AT_THE_ENGINE = """
import json, sys
from blackstart.base.codec import to_data
from blackstart.faults.reject import Reject
from blackstart.controls.steps.local import carry_out
from blackstart.model.target import Service, Target
service = Service("redis", address=sys.argv[1], dsn="redis://x", control={"docker": "redis"})
(change,) = Reject("redis").plan(Target("test", services={"redis": service}))
for step in change.do:
    carry_out(step)
from blackstart.safety.heal.restore import all_true
assert all_true(change.bites)
print(json.dumps(to_data(change)))
"""


def test_a_published_port_of_a_container_is_cut_off_where_it_is_forwarded(space: Netns, published: int) -> None:
    before = space.rules()
    told = space.inside("env", "PYTHONPATH=lib", sys.executable, "-c", AT_THE_ENGINE, f"{space.theirs}:{published}")
    change = from_data(json.loads(told))
    ours = [rule for rule in space.rules() if "blackstart:test/redis/reject" in rule]
    assert sorted(rule.split()[1] for rule in ours) == ["DOCKER-USER", "INPUT", "OUTPUT"]
    assert not answers(replace(space, port=published))
    assert answers(space)  # another port of the same machine
    space.inside("sh", "-ec", "\n".join(to_shell(step) for step in change.undo))
    assert space.rules() == before
    assert answers(replace(space, port=published))


def test_a_namespace_that_is_gone_has_taken_its_rules_along() -> None:
    require("root", "netns")
    with netns() as brief:
        change = planned(Drop("redis"), target(brief))
        carry_out(change.do)
    by_shell(change.undo)
    carry_out(change.undo)


def test_a_kernel_without_netem_is_refused_before_anything_is_touched(space: Netns) -> None:
    change = planned(Netem("redis", 100), target(space))
    tried = subprocess.run(
        ["unshare", "-n", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"],
        capture_output=True,
        timeout=10,
        check=False,
    )
    if tried.returncode == 0:
        carry_out(change.do)
        assert eventually(lambda: so(change.bites), 20)
        assert restore(change, print, 20)
        return
    with pytest.raises(Refused, match="a right needed for .* is missing"):
        rehearse([change])
    assert "htb" not in space.queues()


def test_a_service_that_does_not_answer_is_refused(space: Netns) -> None:
    with pytest.raises(Refused, match="only what works can be broken"):
        Drop("redis").plan(target(space, address=f"{space.theirs}:1"))


def test_an_unknown_interface_is_asked_for(space: Netns) -> None:
    with pytest.raises(Refused, match="which interface do packets of redis leave by"):
        SLOW.plan(target(space, net={"netns": space.name}))
    with pytest.raises(Refused, match='"nope"'):
        SLOW.plan(target(space, net={"netns": space.name, "interface": "nope"}))


def test_every_step_is_a_command_in_the_namespace(space: Netns) -> None:
    for fault in EVERY:
        change = planned(fault, target(space))
        for step in (*change.do, *change.undo):
            assert isinstance(step, Command) and step.argv[:4] == ("ip", "netns", "exec", space.name)
