"""Faults on packets as data: which rules and queues, where, and what undoes exactly them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, Refused
from blackstart.controls.steps.outcome import Outcome
from blackstart.faults import _netfilter, _packets
from blackstart.faults._packets import PacketPoint, packet_point
from blackstart.faults._wire import Route, route_to
from blackstart.faults.drop import Drop
from blackstart.faults.netem import Netem
from blackstart.faults.reject import Reject
from blackstart.faults.tbf import Tbf
from blackstart.model.change import Change, Fault
from blackstart.model.step import Command
from blackstart.model.target import Service, Target

FAULTS: tuple[Fault, ...] = (Drop("redis"), Reject("redis"), Netem("redis", 100, 20, 1.5), Tbf("redis", 100))
ANSWERS = {
    "ip": "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN",
    "tc": "qdisc noqueue 0: root refcnt 2\n",
    "iptables": "",
}


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root, with all programs, a Redis that answers in 1 ms, and interfaces as they come."""
    monkeypatch.setattr(Route, "normal", lambda self: None)
    monkeypatch.setattr(Route, "normal_ms", lambda self, trip: 1.0)
    monkeypatch.setattr(_packets, "_refuse_here", lambda *programs: None)
    monkeypatch.setattr(_packets, "_is_ours", lambda address: address == "10.0.0.4")
    monkeypatch.setattr(PacketPoint, "asked", lambda self, *argv: Outcome(True, 0, ANSWERS[argv[0]], "", 0.0))


def target(address: str = "127.0.0.1:6379", net: dict[str, Any] | None = None, **more: Any) -> Target:
    return Target("shop", services={"redis": Service("redis", address, net=net or {}, dsn="redis://x", **more)})


def plan(fault: Fault, where: Target) -> Change:
    (change,) = fault.plan(where)
    return change


def argvs(steps: Any) -> list[tuple[str, ...]]:
    assert all(isinstance(step, Command) for step in steps)
    return [step.argv for step in steps]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_what_the_guardian_reads_is_what_was_planned(fault: Fault) -> None:
    change = plan(fault, target())
    assert from_data(json.loads(json.dumps(to_data(change)))) == change
    assert change.undo_is_noop and change.rights and change.what == fault.describe()


def test_a_rule_is_inserted_at_the_top_and_marked_as_ours() -> None:
    (insert,) = argvs(plan(Drop("redis"), target()).do)
    assert insert == (
        "iptables", "-w", "5", "-I", "INPUT", "1", "-p", "tcp", "--dport", "6379", "-m", "comment", "--comment",
        "blackstart:shop/redis/drop", "-j", "DROP",
    )  # fmt: skip


def test_an_undo_names_the_whole_rule() -> None:
    change = plan(Reject("redis"), target())
    (insert,), (delete,) = argvs(change.do), argvs(change.undo)
    assert delete[-len(insert[6:]) :] == insert[6:] and "-F" not in delete
    assert insert[-4:] == ("-j", "REJECT", "--reject-with", "tcp-reset")


@pytest.mark.parametrize(
    ("address", "rules"),
    [
        ("127.0.0.1:6379", [("iptables", "INPUT")]),
        ("[::1]:6379", [("ip6tables", "INPUT")]),
        ("localhost:6379", [("iptables", "INPUT"), ("ip6tables", "INPUT")]),
        ("10.0.0.4:6379", [("iptables", "INPUT")]),
        ("10.0.0.5:6379", [("iptables", "OUTPUT")]),
        ("[fd00::5]:6379", [("ip6tables", "OUTPUT")]),
    ],
)
def test_packets_are_stopped_where_they_come_in_or_else_where_they_leave(
    address: str, rules: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, **_: f"/usr/sbin/{name}")
    made = argvs(plan(Drop("redis"), target(address)).do)
    assert [(argv[0], argv[4]) for argv in made] == rules
    if rules[0][1] == "OUTPUT":
        assert made[0][6:8] == ("-d", address.rpartition(":")[0].strip("[]"))


def test_a_containers_published_port_is_cut_off_where_it_is_forwarded_too() -> None:
    made = argvs(plan(Drop("redis"), target(control={"compose": "redis"})).do)
    assert [argv[4] for argv in made] == ["INPUT", "DOCKER-USER", "OUTPUT"]
    for argv in made[1:]:
        assert argv[argv.index("--ctstate") + 1] == "DNAT" and argv[argv.index("--ctorigdstport") + 1] == "6379"


def test_an_engine_without_its_chain_has_only_the_port() -> None:
    point = PacketPoint(route_to(target(control={"docker": "redis"}), "redis"), "shop")
    absent = replace(point)
    object.__setattr__(absent, "asked", lambda *argv: Outcome(False, 1, "", "No chain", 0.0))
    assert [rule.chain for rule in _netfilter.rules_for(absent, "t", ("DROP",))] == ["INPUT"]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_in_a_namespace_every_step_enters_it_first(fault: Fault) -> None:
    change = plan(fault, target("10.0.0.5:6379", {"netns": "shop1", "interface": "eth0"}))
    for argv in argvs((*change.do, *change.undo)):
        assert argv[:4] == ("ip", "netns", "exec", "shop1")
    assert all("Cannot open network namespace" in step.accepts for step in change.undo)  # type: ignore[union-attr]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_on_another_host_it_is_armed_first_and_outlives_no_lease(fault: Fault) -> None:
    where = replace(target("db1:6379", {"host": "ssh://root@db1", "interface": "eth0"}), in_force_s=65.4)
    change = plan(fault, where)
    assert {step.host for step in (*change.do, *change.undo, *change.rights)} == {"ssh://root@db1"}  # type: ignore[union-attr]
    arm, disarm = change.do[0], change.undo[-1]
    assert isinstance(arm, Command) and "arm a timed undo" in arm.argv and "96" in arm.argv
    assert isinstance(disarm, Command) and disarm.argv[-1] == arm.argv[4]
    assert change.lease_s == 65.4


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_targets_of_one_name_on_one_host_end_nobody_elses_timer(fault: Fault) -> None:
    """A timer that is armed ends the one that has its file: the far side of that other fault would be left broken."""
    net = {"host": "ssh://root@db1", "interface": "eth0"}
    wheres = (target("db1:6379", net), target("db1:6380", net), target("db1:6379", {**net, "netns": "staging"}))
    files = [plan(fault, where).do[0].argv[4] for where in wheres]  # type: ignore[union-attr]
    assert len(set(files)) == 3 and files[0] == plan(fault, wheres[0]).do[0].argv[4]  # type: ignore[union-attr]
    assert all(file.startswith("/run/blackstart/blackstart_shop_redis_") for file in files)


def test_the_controls_host_is_the_one_that_packets_reach() -> None:
    point = packet_point(target("db1:6379", control={"unit": "redis", "host": "ssh://db1"}), "redis", "iptables")
    assert point.host == "ssh://db1"


def test_queues_sort_the_services_own_packets_out() -> None:
    change = plan(Tbf("redis", 100), target())
    root, class_, slow, sort = argvs(change.do)
    handle = root[root.index("handle") + 1]
    assert root[:5] == ("tc", "qdisc", "add", "dev", "lo") and class_[class_.index("classid") + 1] == f"{handle}1"
    assert slow[-7:] == ("tbf", "rate", "800000bit", "burst", "65600b", "latency", "1000ms")
    assert sort[-5:] == ("sport", "6379", "0xffff", "flowid", f"{handle}1")
    (delete,) = argvs(change.undo)
    assert delete[-2:] == ("lo", handle)


def test_queues_on_the_way_to_another_machine_sort_by_where_it_goes() -> None:
    sort = argvs(plan(Netem("redis", 100), target("10.0.0.5:6379", {"interface": "eth0"})).do)[-1]
    words = " ".join(sort)
    assert "match ip dst 10.0.0.5/32" in words and "dport 6379 0xffff" in words


def test_netem_is_told_its_delay_its_jitter_and_its_loss() -> None:
    slow = argvs(plan(Netem("redis", 100, 20, 1.5), target()).do)[2]
    assert slow[-6:] == ("netem", "delay", "100ms", "20ms", "loss", "1.5%")


def test_each_fault_and_device_has_a_handle_of_its_own() -> None:
    handles = {
        argvs(plan(fault, target(net={"interface": device})).undo)[0][-1]
        for fault in (Tbf("redis", 1), Netem("redis", 9))
        for device in ("eth0", "eth1")
    }
    assert len(handles) == 4 and all(0x8000 <= int(handle[:-1], 16) < 0xFFFF for handle in handles)


def test_a_root_queue_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANSWERS, "tc", "qdisc htb 1: root refcnt 2 r2q 10 default 0x30\n")
    with pytest.raises(Refused, match="lo has a root queue already .htb 1:"):
        Tbf("redis", 1).plan(target())


def test_an_interface_that_is_not_known_is_asked_for() -> None:
    with pytest.raises(Refused, match="which interface"):
        Tbf("redis", 1).plan(target("10.0.0.5:6379"))


def test_a_service_by_ipv6_has_no_queue_here() -> None:
    with pytest.raises(Refused, match="only sorted for IPv4"):
        Tbf("redis", 1).plan(target("[fd00::5]:6379", {"interface": "eth0"}))


def test_a_wire_that_nobody_could_measure_is_refused() -> None:
    where = Target("t", services={"broker": Service("broker", "127.0.0.1:9092")})
    with pytest.raises(Refused, match="nobody could see"):
        Tbf("broker", 1).plan(where)
    assert plan(Drop("broker"), where).bites[0].op == "timed_out"
    assert str(plan(Netem("broker", 50), where).bites[0]).startswith("broker_round_trip_ms at least")


@pytest.mark.parametrize(
    ("net", "told"),
    [
        ({"nets": "x"}, 'unknown key "nets"'),
        ({"netns": "a b"}, "can't be the name of a netns"),
        ({"netns": "-x"}, "can't be the name of a netns"),
        ({"interface": "eth0;rm"}, "can't be the name of a interface"),
        ({"host": "db1"}, "can't be read"),
        ({"netns": 1}, "must be text"),
    ],
)
def test_a_net_table_that_cannot_be_meant_is_refused_by_name(net: dict[str, Any], told: str) -> None:
    with pytest.raises(BadTarget, match=r"\[services.redis\] net") as caught:
        Drop("redis").plan(target(net=net))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "make", [lambda: Netem("r", 0), lambda: Netem("r", 5, 5), lambda: Netem("r", 5, 0, 100.0), lambda: Tbf("r", 0)]
)
def test_a_value_that_cannot_be_meant_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(Refused, match="iptables needs root"):
        Drop("redis").plan(target())


def test_a_tag_holds_nothing_that_a_rule_could_not() -> None:
    point = PacketPoint(route_to(target(), "redis"), 'a "b"\n$(c)')
    assert point.tag("drop") == "blackstart:a_b_c_/redis/drop"
