"""The lay-out of the gateway lab: who listens where, and what target.toml says of it."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from blackstart_lab.gateway.lab import LAB
from blackstart_lab.gateway.options import OPTIONS
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout
from blackstart_lab.option import declare
from blackstart_lab.servers import prometheus
from blackstart_lab.workspace import Workspace


def options(*words: str) -> Namespace:
    parser = ArgumentParser()
    declare(OPTIONS, parser)
    return parser.parse_args(words)


def laid_out(*words: str) -> Layout:
    workspace = Workspace("gateway")
    workspace.folder.mkdir(parents=True)
    return LAB.lay_out(workspace, options(*words))


def test_gateway_is_given_the_proxy_and_never_the_address_of_redis() -> None:
    services = {service.name: service for service in laid_out().services}
    command = " ".join(services["gateway"].program.command)
    assert services["redis"].address not in command
    settings = Path(Workspace("gateway").folder / "proxy.json").read_text()
    listen = command.partition("--redis-url redis://")[2].partition("/")[0]
    assert f'"listen": "{listen}"' in settings
    assert f'"upstream": "{services["redis"].address}"' in settings
    assert services["redis"].target["proxy_name"] == "redis"


def test_target_names_what_a_drill_needs() -> None:
    target = laid_out("--without-prometheus", "--profile", "real").target
    assert (target["kind"], target["lab"], target["profile"]) == ("gateway", True, "real")
    assert target["headers"] == {"X-API-Key": "lab-key"}
    assert target["facts"]["breaker_open_s"] == 10.0
    assert target["facts"]["redis_timeout_ms"] == 30.0
    assert "prometheus" not in target
    assert "mutant" not in target


def test_as_coded_says_so_in_the_profile() -> None:
    target = laid_out("--without-prometheus", "--as-coded").target
    assert target["profile"] == "as-coded"
    assert (target["facts"]["fail_open"], target["facts"]["breaker_open_s"]) == (False, 60.0)
    assert target["facts"]["redis_timeout_ms"] == 60_000.0


def test_prometheus_is_left_out_where_there_is_no_binary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "find", lambda: None)
    assert [service.name for service in laid_out().services] == ["redis", "proxy", "upstream", "gateway"]


def test_mutant_and_as_coded_together_are_refused() -> None:
    with pytest.raises(NotStarted, match="choose one"):
        LAB.lay_out(Workspace("gateway"), options("--as-coded", "--mutant", "no-timeout"))
