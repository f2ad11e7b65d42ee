"""What `chaos.init` makes of what runs: a file that can be read, with where each value is from, and no secret in it."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from blackstart.base.console import Console
from blackstart.commands import init
from blackstart.commands.starting import parts, recognized, running
from blackstart.commands.starting.draft import Draft, Sourced
from blackstart.commands.starting.parts import Seen
from blackstart.commands.starting.running import Running
from blackstart.commands.target_file import load
from tests.services import free_port

API = Running("127.0.0.1:8000", 8000, {"docker": "app"}, "container app")
REDIS = Running("127.0.0.1:16379", 6379, {"compose": "redis", "project": "shop"}, "container shop-redis-1",
                ("shop-redis-1", "redis"))  # fmt: skip
OTHER = Running("127.0.0.1:26379", 6379, {"docker": "redis-2"}, "container redis-2", ("redis-2",))
POSTGRES = Running("", 5432, {"docker": "pg"}, "container pg, port 5432 published nowhere", ("pg",),
                   {"POSTGRES_USER": "app", "POSTGRES_DB": "book"})  # fmt: skip
ALL = [Seen(API, "http"), Seen(REDIS, "redis"), Seen(POSTGRES, "postgres")]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`chaos.init` in a folder of its own, where these run; all whose name is in `proved` are proved to be its own."""
    monkeypatch.chdir(tmp_path)
    for name in ("API", "REDIS_URL", "DATABASE_URL", "REDIS_CONTAINER", "POSTGRES_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(recognized, "kind", lambda api: "trader" if api.endswith(":8000") else "")
    monkeypatch.setattr(recognized, "wants_login", lambda address: address != REDIS.address)
    monkeypatch.setattr(recognized, "posts", lambda api: ["/orders"])

    def made(seen: list[Seen] = ALL, proved: tuple[str, ...] = (REDIS.address, ""), **options: Any) -> int:
        own = {name: options.pop(name) for name in ("name", "kind", "force") if name in options}

        def missing(draft: Draft, name: str, within_s: float) -> str:
            keys = draft.services[name]
            return "" if (keys["address"].value if "address" in keys else "") in proved else "nobody knows it"

        monkeypatch.setattr(parts, "look", lambda say: seen)
        monkeypatch.setattr(parts, "_missing", missing)
        return init.init({"noninteractive": True, **options}, **own)

    return made


def written(name: str = "trader") -> dict[str, Any]:
    return tomllib.loads(Path(f"targets/{name}.toml").read_text())


def test_what_is_written_can_be_read_and_says_where_each_value_is_from(
    here: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert here() == 0
    assert "not in targets/trader.toml" not in capsys.readouterr().out
    made = written()
    assert (made["name"], made["kind"], made["api"]) == ("trader", "trader", "http://127.0.0.1:8000")
    assert made["services"]["redis"]["control"] == {"compose": "redis", "project": "shop"}
    assert made["services"]["redis"]["dsn"] == "redis://127.0.0.1:16379/0"
    assert made["services"]["postgres"] == {"control": {"docker": "pg"}}
    text = Path("targets/trader.toml").read_text()
    values = [line for line in text.splitlines() if " = " in line and not line.startswith(("#", "name", "kind"))]
    told = [line for line in values if "#" in line]
    assert {line for line in values if line not in told} == {
        'address = "127.0.0.1:8000"', 'url = "http://127.0.0.1:8000"',
    }  # fmt: skip
    assert text.count("# proved to be its own, ") == 2
    assert load(Path("targets/trader.toml")).kind == "trader"


def test_what_nobody_can_know_is_left_open_as_lines_that_can_be_completed(here: Callable[..., int]) -> None:
    assert here() == 0
    text = Path("targets/trader.toml").read_text()
    assert "how orders are placed: left open (the API describes POST /orders)" in text
    assert '# dsn = "env:DATABASE_URL"  # a URL as postgresql://app@HOST:5432/book, with its password' in text
    without = "\n".join(line.removeprefix("# ") if line.startswith(("# [", "# route", "# db_")) else line
                        for line in text.splitlines())  # fmt: skip
    completed = tomllib.loads(without)
    assert completed["orders"] == {"route": "/orders"} and completed["facts"] == {"db_timeout_s": 2.0}


def test_what_the_operator_says_is_written_and_what_can_not_be_so_is_left_open(
    here: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"how orders are placed": "/buy", "the time limit of its calls to the database": "soon"}

    class Operator(Console):
        def __init__(self, *_: Any) -> None:
            super().__init__(noninteractive=True)
            self.interactive = True

        def line(self, prompt: str, within_s: float) -> str:
            return answers.get(prompt.partition(" (")[0], "")

    monkeypatch.setattr(init, "Console", Operator)
    assert here() == 0
    assert written()["orders"] == {"route": "/buy"} and "facts" not in written() and "plans" not in written()
    answers["the time limit of its calls to the database"] = "1.5"
    assert here(force=True) == 0
    assert written()["facts"] == {"db_timeout_s": 1.5}


def test_a_file_that_is_there_is_kept_unless_told_otherwise(here: Callable[..., int], capsys: Any) -> None:
    Path("targets").mkdir()
    Path("targets/trader.toml").write_text("mine")
    assert here() == 40
    assert "targets/trader.toml is there already, and was not touched" in capsys.readouterr().err
    assert here(name="trader") == 40
    assert Path("targets/trader.toml").read_text() == "mine"
    assert here(name="other") == 0
    assert here(force=True) == 0
    assert written()["kind"] == "trader" and sorted(p.name for p in Path("targets").iterdir()) == [
        "other.toml", "trader.toml",
    ]  # fmt: skip


def test_of_several_the_one_that_is_proved_is_taken(here: Callable[..., int]) -> None:
    assert here([*ALL, Seen(OTHER, "redis")]) == 0
    assert written()["services"]["redis"]["address"] == REDIS.address
    assert "# 1 more speak redis here, and are not proved to be" in Path("targets/trader.toml").read_text()


def test_of_several_that_are_not_proved_none_is_guessed(here: Callable[..., int]) -> None:
    assert here([*ALL, Seen(OTHER, "redis")], proved=("",)) == 0
    assert "redis" not in written()["services"]
    text = Path("targets/trader.toml").read_text()
    assert "# [services.redis]  # container redis-2" in text and '# control = { docker = "redis-2" }' in text


def test_the_container_that_is_named_is_meant_and_one_that_is_not_there_is_refused(
    here: Callable[..., int], capsys: Any
) -> None:
    assert here([*ALL, Seen(OTHER, "redis")], proved=(), redis_container="redis-2") == 0
    assert written()["services"]["redis"]["control"] == {"docker": "redis-2"}
    assert "# NOT PROVED to be the trader's own: nobody knows it" in Path("targets/trader.toml").read_text()
    assert here(name="b", redis_container="rediss") == 40
    assert 'no running container or compose service "rediss" speaks redis. Did you mean' in capsys.readouterr().err
    assert not Path("targets/b.toml").exists()


def test_a_password_stays_in_its_variable_which_ci_must_set(
    here: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(name="open") == 0
    assert "CI must set" not in capsys.readouterr().out
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:hunter22@127.0.0.1/book")
    monkeypatch.setenv("API", "http://ops:hunter33@127.0.0.1:8000")
    assert here() == 0
    text = Path("targets/trader.toml").read_text()
    assert written()["services"]["postgres"]["dsn"] == "env:DATABASE_URL" and written()["api"] == "env:API"
    assert "hunter" not in text
    assert "CI must set: API, DATABASE_URL" in capsys.readouterr().out.splitlines()


def test_what_it_leaves_open_ci_is_to_leave_out(
    here: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here(name="open") == 0
    told = capsys.readouterr().out.splitlines()
    (line,) = (line for line in told if "CHAOS_DRILLS=" in line)
    assert line == "  CHAOS_DRILLS=chaos.suite --keep-going --without orders,plans,db_timeout_s"
    monkeypatch.setattr(parts, "is_open", lambda *_: False)
    assert here(name="said") == 0
    assert "CHAOS_DRILLS" not in capsys.readouterr().out  # the files run the whole suite by themselves


def test_the_suite_that_ci_runs_is_that_of_the_kind(
    here: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recognized, "kind", lambda api: "flash-sale" if api.endswith(":8000") else "")
    assert here() == 0
    assert "  CHAOS_DRILLS=flash-sale.suite --keep-going" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seen", "kind", "told"),
    [
        ([], "", "no API here shows the series of a known system"),
        (ALL, "gateway", "no API here shows the series of gateway"),
        ([*ALL, Seen(Running("127.0.0.2:8000", 8000, {}, "container b"), "http")], "", "2 APIs could be meant"),
    ],
)
def test_an_api_that_nobody_can_tell_is_refused_with_the_option_that_says_it(
    here: Callable[..., int], capsys: Any, seen: list[Seen], kind: str, told: str
) -> None:
    assert here(seen, kind=kind) == 40
    said = capsys.readouterr().err
    assert told in said and "--api URL" in said and not Path("targets").exists()
    assert "2 APIs" in told or f"lab.up {kind or 'trader'}" in said


def test_an_api_that_does_not_answer_is_told_as_that(here: Callable[..., int], capsys: Any) -> None:
    silent = f"http://127.0.0.1:{free_port()}"
    assert here([], api=silent) == 40
    assert f"Not started: {silent} does not answer (" in capsys.readouterr().err and not Path("targets").exists()
    assert here([], api=silent, kind="trader") == 0
    assert f'api = "{silent}" # by --api; it does not answer (' in Path("targets/trader.toml").read_text()
    out = capsys.readouterr().out
    assert "not in targets/trader.toml: redis, postgres. Start them and write it anew with --force" in out


def own_address() -> str:
    """One of this machine's addresses that others reach it by."""
    found = (one for many in psutil.net_if_addrs().values() for one in many if one.family == socket.AF_INET)
    return next((one.address for one in found if not one.address.startswith("127.")), "127.0.0.1")


EVERYWHERE = Running("127.0.0.1:8000", 8000, {"docker": "app"}, "container app", everywhere=True)
UNIT = Running("127.0.0.1:8000", 8000, {"unit": "app.service"}, "unit app.service")


@pytest.mark.parametrize(
    ("one", "host", "its_own"),
    [
        (API, "192.0.2.7", False),  # no machine has it (RFC 5737)
        (EVERYWHERE, "192.0.2.7", False),
        (UNIT, "192.0.2.7", False),
        (EVERYWHERE, "no-such-host.invalid", False),
        (API, "127.0.0.2", False),
        (API, "localhost", True),
        (UNIT, "127.0.0.1", True),
        (EVERYWHERE, own_address(), True),
    ],
)
def test_what_runs_here_is_the_apis_only_where_the_api_is_here(
    here: Callable[..., int], monkeypatch: pytest.MonkeyPatch, one: Running, host: str, its_own: bool
) -> None:
    monkeypatch.setattr(recognized, "silence", lambda api: "")
    assert here([Seen(one, "http")], api=f"http://{host}:8000", kind="trader") == 0
    service = written()["services"]["api"]
    assert service["address"] == f"{host}:8000"
    assert service.get("control") == (dict(one.control) if its_own else None)


def test_of_an_api_of_another_machine_only_what_is_proved_is_taken_from_here(
    here: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recognized, "silence", lambda api: "")
    seen = [*ALL, Seen(Running("127.0.0.1:9090", 9090, {"docker": "p"}, "container p"), "prometheus"),
            Seen(Running("127.0.0.1:8474", 8474, {"docker": "t"}, "container t"), "toxiproxy")]  # fmt: skip
    assert here(seen, proved=(REDIS.address,), api="http://192.0.2.7:8000") == 0
    made = written()
    assert set(made["services"]) == {"api", "redis"} and not {"prometheus", "proxy"} & made.keys()
    text, said = Path("targets/trader.toml").read_text(), capsys.readouterr().out
    assert "# [services.postgres]  # container pg" in text
    for told in (text, said):
        assert (
            "192.0.2.7:8000 is not this machine: of what runs here only what is proved to be its own is taken" in told
        )


@pytest.mark.parametrize(("host", "its_own"), [("127.0.0.1", [5433]), ("localhost", [5433]), ("no-such.invalid", [])])
def test_a_url_of_the_environment_is_that_of_the_server_which_it_leads_to_alone(
    monkeypatch: pytest.MonkeyPatch, host: str, its_own: list[int]
) -> None:
    """Else whoever nothing speaks against, as nothing does against a hand, is proved by the answers of another."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://app:hunter22@{host}:5433/book")
    two = [Running(f"127.0.0.1:{port}", port, {"manual": "postgres"}, "postgres") for port in (5433, 5434)]
    assert [one.port for one in two if "dsn" in parts._keys("postgres", one)] == its_own


@pytest.mark.parametrize(("option", "value"), [("name", "../etc"), ("kind", "tradr")])
def test_a_name_or_kind_that_is_none_is_refused(here: Callable[..., int], capsys: Any, option: str, value: str) -> None:
    assert here(**{option: value}) == 40
    assert capsys.readouterr().err.startswith(f"Not started: --{option}")


def test_every_text_can_stand_in_the_file() -> None:
    hostile = 'a "b" \\ # c\n[services.x]\nd = "é'
    draft = Draft({"name": Sourced("x"), "api": Sourced("http://127.0.0.1:1", hostile)})
    text = (
        draft.noted("", hostile)
        .left_open("orders", hostile)
        .with_service("s", {"log": Sourced(hostile, hostile)})
        .text()
    )
    assert tomllib.loads(text) == {
        "name": "x", "api": "http://127.0.0.1:1", "services": {"s": {"log": hostile}},
    }  # fmt: skip


@pytest.mark.parametrize("elsewhere", ["", "tcp://192.0.2.7:2375"])
def test_containers_are_told_by_the_engine_port_by_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    """What an engine elsewhere publishes is no port of this machine."""
    told = [{
        "Name": "/shop-redis-1",
        "Config": {
            "Env": ["REDIS_PASSWORD=hunter22", "POSTGRES_USER=app"],
            "Labels": {"com.docker.compose.service": "redis", "com.docker.compose.project": "shop"},
            "ExposedPorts": {"6379/tcp": {}, "9/tcp": {}, "53/udp": {}},
        },
        "State": {"Running": True},
        "NetworkSettings": {"Ports": {"6379/tcp": [{"HostIp": "0.0.0.0", "HostPort": "16379"}], "53/udp": None}},
    }]  # fmt: skip
    (tmp_path / "told").write_text(json.dumps(told))
    script = f'#!/bin/sh\ncase $1 in ps) echo 0123abcd ;; inspect) cat "{tmp_path}/told" ;; esac\n'
    (tmp_path / "engine").write_text(script)
    (tmp_path / "engine").chmod(0o755)
    monkeypatch.setenv("CONTAINER_ENGINE", str(tmp_path / "engine"))
    monkeypatch.setenv("DOCKER_HOST", elsewhere)
    found, why = running.containers()
    published = "" if elsewhere else "127.0.0.1:16379"
    assert (why, [(one.address, one.port) for one in found]) == ("", [(published, 6379), ("", 9)])
    assert [one.everywhere for one in found] == [not elsewhere, False]
    assert all(elsewhere in one.told for one in found)
    assert found[0].control == {"compose": "redis"}  # a project is called otherwise in CI
    assert (found[0].names, dict(found[0].settings)) == (("shop-redis-1", "redis"), {"POSTGRES_USER": "app"})


@pytest.mark.parametrize(
    ("image", "port", "likely"),
    [
        ("docker.io/library/redis:7-alpine@sha256:00", 7000, "redis"),
        ("timescale/timescaledb:latest-pg16", 5433, "postgres"),
        ("confluentinc/cp-kafka", 29092, "kafka"),
        ("registry.local:5000/shop", 6379, "redis"),
        ("redis/redis-stack", 8001, "http"),
        ("provectuslabs/kafka-ui", 8080, "http"),
        ("oliver006/redis_exporter", 9121, ""),
        ("mysql:8", 3306, ""),
    ],
)
def test_what_a_container_is_likely_to_speak_is_told_by_its_port_and_its_image(
    image: str, port: int, likely: str
) -> None:
    told = {"Name": "/x", "Config": {"Image": image}, "NetworkSettings": {"Ports": {f"{port}/tcp": None}}}
    assert [one.likely for one in running._of_container(told, "", ())] == [likely]


def test_a_compose_service_of_several_projects_is_named_with_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def container(project: str, runs: bool) -> dict[str, Any]:
        labels = {"com.docker.compose.service": "redis", "com.docker.compose.project": project}
        config = {"Labels": labels, "ExposedPorts": {"6379/tcp": {}}}
        return {"Name": f"/{project}-redis-1", "Config": config, "State": {"Running": runs}}

    (tmp_path / "told").write_text(json.dumps([container("shop", True), container("old", False)]))
    script = f'#!/bin/sh\ncase $1 in ps) echo 0123abcd ;; inspect) cat "{tmp_path}/told" ;; esac\n'
    (tmp_path / "engine").write_text(script)
    (tmp_path / "engine").chmod(0o755)
    monkeypatch.setenv("CONTAINER_ENGINE", str(tmp_path / "engine"))
    found, _ = running.containers()
    assert [one.control for one in found] == [{"compose": "redis", "project": "shop"}]


@pytest.mark.parametrize(
    ("likely", "asked"),
    [("", b"GET "), ("http", b"GET "), ("redis", b"PING"), ("postgres", b"\0\0\0"), ("kafka", b"\0\0\0")],
)
def test_a_port_is_asked_in_the_protocol_that_is_likely_and_in_no_other(likely: str, asked: bytes) -> None:
    """Who understands none of it closes, as MySQL or RabbitMQ do."""
    heard: list[bytes] = []

    class Foreign(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard.append(self.request.recv(64))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Foreign) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        one = Running(f"127.0.0.1:{server.server_address[1]}", 1, {}, "a service", likely=likely)
        assert recognized.protocol(one) == ""
        server.shutdown()
    assert {each[: len(asked)] for each in heard} == {asked}


def test_what_was_not_looked_at_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = Running(f"127.0.0.1:{free_port()}", 5672, {}, "container queue")
    monkeypatch.setattr(running, "containers", lambda: ([closed, Running("", 9, {}, "container inner")], ""))
    monkeypatch.setattr(running, "listening", lambda known: [])
    monkeypatch.setattr(running, "hidden", lambda known: [f"127.0.0.1:{port}" for port in range(1, 8)])
    said: list[str] = []
    assert parts.look(said.append) == []
    others = "127.0.0.1:1, 127.0.0.1:2, 127.0.0.1:3, 127.0.0.1:4, 127.0.0.1:5 and 2 more"
    assert said == [
        f"not known: who listens at {others}: processes that this user can't see",
        "not known: container queue: does not speak http, and was asked nothing else",
        "not known: container inner: not looked at",
    ]


def test_without_an_engine_it_goes_on_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_ENGINE", str(tmp_path / "none"))
    found, why = running.containers()
    assert not found and "can't be asked" in why


def test_without_a_terminal_and_without_leave_nothing_is_written(
    here: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NONINTERACTIVE", raising=False)
    assert here(noninteractive=False) == 40
    assert not Path("targets").exists()
