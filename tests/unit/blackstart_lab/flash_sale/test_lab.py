"""The lay-out of the flash sale: who listens where, and what target.toml says of it."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from blackstart_lab.flash_sale import lab
from blackstart_lab.flash_sale.lab import LAB
from blackstart_lab.flash_sale.options import OPTIONS
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.option import declare
from blackstart_lab.workspace import Workspace


def options(*words: str) -> Namespace:
    parser = ArgumentParser()
    declare(OPTIONS, parser)
    return parser.parse_args(words)


@pytest.fixture(autouse=True)
def prepared_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kafka and PostgreSQL would make their data folders: here only what is laid out around them is looked at."""

    def server(name: str, scheme: str):  # type: ignore[no-untyped-def]
        def service(_: Workspace, port: int, *__: object) -> Service:
            address = f"127.0.0.1:{port}"
            return Service(name, Program(("true",), tmp_path), address, lambda: None, {"dsn": f"{scheme}://{address}"})

        return service

    def cluster(workspace: Workspace, ports: list[int], *__: object) -> list[Service]:
        names = ["kafka", "kafka-2"][: len(ports)]
        return [server(name, "kafka")(workspace, port) for name, port in zip(names, ports, strict=True)]

    monkeypatch.setattr(lab.kafka, "cluster", cluster)
    monkeypatch.setattr(lab.postgres, "service", server("postgres", "postgresql"))


def laid_out(*words: str) -> Layout:
    workspace = Workspace("flash-sale")
    workspace.folder.mkdir(parents=True)
    return LAB.lay_out(workspace, options(*words))


def services(layout: Layout) -> dict[str, Service]:
    return {service.name: service for service in layout.services}


def test_programs_are_given_the_proxy_and_never_the_address_of_redis_or_postgres() -> None:
    made = services(laid_out())
    settings = Path(Workspace("flash-sale").folder / "proxy.json").read_text()
    for server in ("redis", "postgres"):
        assert f'"upstream": "{made[server].address}"' in settings
        assert made[server].target["proxy_name"] == server
        for program in ("api-1", "api-2", "worker"):
            assert made[server].address not in " ".join(made[program].program.command)
    assert str(made["redis"].target["address"]) in " ".join(made["api-1"].program.command)
    assert str(made["postgres"].target["address"]) in " ".join(made["worker"].program.command)


def test_ports_are_all_different() -> None:
    made = services(laid_out("--instances", "3"))
    assert "kafka-2" not in made
    addresses = [service.address for service in made.values()]
    addresses += [str(made[name].target["address"]) for name in ("redis", "postgres")]
    assert len(set(addresses)) == len(addresses) == 12


def test_programs_know_both_brokers() -> None:
    made = services(laid_out("--brokers", "2"))
    assert f"{made['kafka'].address},{made['kafka-2'].address}" in made["worker"].program.command


def test_target_names_what_a_drill_needs() -> None:
    target = laid_out("--gate-per-s", "70", "--quantity", "100").target
    assert (target["kind"], target["lab"], target["profile"]) == ("flash-sale", True, "promised")
    assert target["sale"] == {"product": "iphone-15", "quantity": 100, "init": "/init"}
    assert target["orders"]["headers"] == {"x-idempotency-key": "{key}"}
    assert target["kafka"] == {"topic": "orders", "group": "inventory-group"}
    assert (target["facts"]["gate_per_s"], target["facts"]["catch_up_s"]) == (70, 30.0)
    assert "mutant" not in target


def test_killed_worker_is_revived_unless_it_is_told_not_to_be() -> None:
    assert services(laid_out())["worker"].program.revived


def test_without_restart_leaves_the_worker_down_and_revives_the_apis() -> None:
    made = services(laid_out("--without-restart"))
    assert (made["worker"].program.revived, made["api-1"].program.revived) == (False, True)


def test_mutant_no_restart_leaves_worker_and_apis_down() -> None:
    made = services(laid_out("--mutant", "no-restart"))
    assert not any(made[name].program.revived for name in ("worker", "api-1", "api-2"))
    assert made["redis"].program.revived


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--as-coded", "--mutant", "zombie-worker"), "choose one"),
        (("--mutant", "zombie-workr"), "zombie-worker"),
        (("--instances", "0"), "--instances 0 is out of range; choose 1 to 9"),
        (("--brokers", "3"), "--brokers 3 is out of range; choose 1 or 2"),
        (("--gate-per-s", "0"), "--gate-per-s 0 is out of range"),
        (("--quantity", "0"), "--quantity 0 is out of range"),
    ],
)
def test_what_can_not_be_is_refused_by_name(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(NotStarted, match=message):
        LAB.lay_out(Workspace("flash-sale"), options(*words))
