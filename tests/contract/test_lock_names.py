"""Two targets that name one Redis differently: whatever they say, their runs meet at one lock. A real Redis runs."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import Refused
from blackstart.engine import lock_names, planning
from blackstart.model.target import Service, Target
from blackstart.safety.preflight.service_lock import Locks
from blackstart.safety.processes import namespaces
from tests.contract.fault_proxies import FaultProxy, missing
from tests.contract.process_control import Table, of, shows
from tests.requirements import require
from tests.services import carry_out, eventually, free_port, pings, redis_server
from tests.unit.builders import AFTER, Cut, change, experiment


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[tuple[int, dict[str, Table]]]:
    """The port of a running Redis, and the tables of controls by which it can be found."""
    port = free_port()
    pidfile = tmp_path / "redis.pid"
    start = [redis_server(), "--port", str(port), "--save", "", "--dir", str(tmp_path), "--pidfile", str(pidfile)]
    by_line: Table = {"process": f"{redis_server()} *:{port}", "start": start}
    (tmp_path / "link.pid").symlink_to(pidfile)
    tables: dict[str, Table] = {
        "line": by_line, "pidfile": {"pidfile": str(pidfile), "start": start},
        "link": {"pidfile": str(tmp_path / "link.pid"), "start": start},
    }  # fmt: skip
    control = of(by_line)
    carry_out(control.start())
    assert eventually(lambda: pings(port) and pidfile.exists())
    yield port, tables
    carry_out(control.kill())


def names(name: str, address: str, table: Table | None, **more: str) -> set[str]:
    """What a run on a target of that name locks of its Redis."""
    target = Target(name, services={"redis": Service("redis", address, control=table or {}, **more)})
    plan = planning.make(experiment(recovery=(AFTER,), faults=(Cut((change(),)),)), target)
    return set(plan.identities)


def test_a_process_has_one_lock_by_line_by_pid_file_and_by_a_link_to_that(redis: tuple[int, dict[str, Table]]) -> None:
    _, tables = redis
    seen = {how: names(how, "", table) for how, table in tables.items()}
    assert all(one & other for one in seen.values() for other in seen.values()), seen
    first = Locks(seen["line"])
    first.take("one", "trader")
    for how in ("pidfile", "link"):
        with pytest.raises(Refused, match="in use by run one"):
            Locks(seen[how]).take("two", how)
    first.release()


def test_a_process_that_a_run_has_started_anew_has_its_locks_still(redis: tuple[int, dict[str, Table]]) -> None:
    port, tables = redis
    ways = ((tables["line"], ""), (tables["pidfile"], ""), (None, f"redis://127.0.0.1:{port}/0"))
    before = [names("a", "", table, dsn=dsn) for table, dsn in ways]
    control = of(tables["line"])
    carry_out(control.kill())
    carry_out(control.start())
    assert eventually(lambda: pings(port))
    after = [names("b", "", table, dsn=dsn) for table, dsn in ways]
    assert all(one & other for one in before for other in after), (before, after)


def test_a_port_in_another_network_is_no_port_of_this_machine(
    redis: tuple[int, dict[str, Table]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, tables = redis
    assert f"address:localhost:{port}" in names("a", "", tables["pidfile"])
    monkeypatch.setattr(namespaces, "here", lambda: namespaces.Place(network="net:[1]"))
    assert not any(name.startswith("address:") for name in names("a", "", tables["pidfile"]))


def test_two_services_of_one_command_line_have_no_lock_in_common(tmp_path: Path) -> None:
    line = ["sleep", str(10_000_000 + os.getpid())]
    with contextlib.ExitStack() as running:
        for name in ("a", "b"):
            process = running.enter_context(subprocess.Popen(line))
            running.callback(process.kill)
            assert eventually(partial(shows, process, line))
            (tmp_path / name).write_text(f"{process.pid}\n")
        one, other = (names(name, "", {"pidfile": str(tmp_path / name), "start": line}) for name in ("a", "b"))
    assert len(one) == len(other) == 3 and not one & other


def test_a_link_to_the_pid_file_is_the_pid_file_also_while_nothing_runs(redis: tuple[int, dict[str, Table]]) -> None:
    _, tables = redis
    controls = {how: of(table) for how, table in tables.items()}
    assert controls["link"].lock_name() == controls["pidfile"].lock_name()
    assert controls["link"].identity() != controls["pidfile"].identity()  # by which its records go on


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]", "0.0.0.0", "LocalHost", "127.0.0.1."])
def test_an_address_of_this_machine_has_one_lock_by_every_name(redis: tuple[int, dict[str, Table]], host: str) -> None:
    if ":" in host:
        require("ipv6")
    port, _ = redis
    assert names("a", f"127.0.0.1:{port}", None) & names("b", f"{host}:{port}", None)


def test_a_store_has_one_lock_by_its_address_by_every_dsn_and_with_a_control(
    redis: tuple[int, dict[str, Table]],
) -> None:
    port, tables = redis
    seen = {
        "dsn": names("a", "", None, dsn=f"redis://127.0.0.1:{port}/0"),
        "another database": names("b", "", None, dsn=f"redis://:secret@localhost:{port}/1"),
        "address": names("c", f"127.0.0.2:{port}", None),
        "dsn and pid file": names("d", "", tables["pidfile"], dsn=f"redis://[::1]:{port}"),
        "dsn behind a proxy": names("e", "127.0.0.1:1", None, dsn=f"redis://127.0.0.1:{port}/0"),
    }
    assert all(one & other for one in seen.values() for other in seen.values()), seen
    assert seen["dsn behind a proxy"] & names("f", "localhost:1", None)
    assert "secret" not in str(seen)
    assert not seen["dsn"] & names("g", "", None, dsn=f"redis://127.0.0.1:{port - 1}/0")


def test_every_server_of_a_dsn_a_socket_and_a_url_are_places() -> None:
    several = names("a", "", None, dsn="postgresql://app@192.0.2.7:5432,127.0.0.1:5433/orders")
    assert several & names("b", "192.0.2.7:5432", None) and several & names("c", "localhost:5433", None)
    assert names("d", "", None, dsn="host=/run/postgresql dbname=orders") & names("e", "127.0.0.1:5432", None)
    assert names("f", "", None, url="http://127.0.0.1:8001/x") & names("g", "localhost:8001", None)


def test_a_dsn_whose_variable_is_not_set_keeps_no_plan_from_being_made() -> None:
    assert "service:a/redis" in names("a", "", None, dsn="env:NOT_SET_ANYWHERE")


def test_this_machines_own_name_and_addresses_are_this_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(("127.0.0.1", 9))
        own = way.getsockname()[0]
    assert names("a", f"{own}:6379", None) & names("b", "localhost:6379", None)
    assert not names("a", "192.0.2.7:6379", None) & names("b", "localhost:6379", None)


@pytest.mark.parametrize("kind", ["embedded", "toxiproxy"])
def test_a_store_behind_a_fault_proxy_has_one_lock_with_the_store_itself(kind: str) -> None:
    if reason := missing(kind):
        pytest.skip(reason)
    if kind == "toxiproxy":
        require("toxiproxy")
    proxy = FaultProxy(kind)
    try:
        listens, port = proxy.proxy_to(free_port(), "redis"), free_port()
        target = Target("a", proxy=proxy.url.replace("127.0.0.1", "localhost"))

        def locked(**more: Any) -> set[str]:
            return set(lock_names.of_services([Service("redis", **more)], target, {}))

        def leads_to(upstream: str) -> set[str]:
            proxy.call("POST", "/proxies/redis", {"upstream": upstream})
            return locked(address=f"127.0.0.1:{listens}", proxy_name="redis")

        direct = locked(address=f"localhost:{port}")
        assert direct <= leads_to(f"127.0.0.1:{port}") and direct <= leads_to(f"[::1]:{port}")
        assert direct <= leads_to(f"0.0.0.0:{port}")
        assert "address:192.0.2.7:6379" in leads_to("192.0.2.7:6379")
        assert leads_to("redis.invalid:6379") == leads_to(f"127.0.0.1:{listens}")  # a name of the next container's
    finally:
        proxy.close()
    assert locked(address=f"127.0.0.1:{listens}", proxy_name="redis") >= locked(address=f"127.0.0.1:{listens}")


@pytest.mark.parametrize(
    "api",
    ["http://127.0.0.1", "http://localhost:80", "http://127.0.0.2/", "HTTP://me:pw@[::1]:80", "http://127.0.0.2?x=1"],
)
def test_a_target_has_one_lock_by_every_form_of_its_url(api: str) -> None:
    if "::1" in api:
        require("ipv6")
    one = Target("x", api="http://localhost")
    assert lock_names.of_target(replace(one, api=api)) == lock_names.of_target(one) == "target:http://localhost:80"
