"""The lay-out of the checkout: who reaches whom by which way, and what target.toml says of it."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from blackstart_lab.checkout import lab
from blackstart_lab.checkout.lab import LAB
from blackstart_lab.checkout.options import OPTIONS
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.option import declare
from blackstart_lab.workspace import Workspace


def options(*words: str) -> Namespace:
    parser = ArgumentParser()
    declare(OPTIONS, parser)
    return parser.parse_args(words)


@pytest.fixture(autouse=True)
def prepared_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PostgreSQL would make its data folder: here only what is laid out around it is looked at."""

    def service(_: Workspace, port: int, name: str) -> Service:
        address = f"127.0.0.1:{port}"
        dsn = {"dsn": f"postgresql://{name}@{address}/{name}"}
        return Service("postgres", Program(("true",), tmp_path), address, lambda: None, dsn)

    monkeypatch.setattr(lab.postgres, "service", service)


def laid_out(*words: str) -> Layout:
    workspace = Workspace("checkout")
    workspace.folder.mkdir(parents=True)
    return LAB.lay_out(workspace, options(*words))


def test_api_reaches_everything_and_is_reached_through_the_proxy_alone() -> None:
    layout = laid_out()
    made = {service.name: service for service in layout.services}
    routes = json.loads(Path(Workspace("checkout").folder / "proxy.json").read_text())
    assert {(route["name"], route["listen"], route["upstream"]) for route in routes} == {
        (name, made[name].target["address"], made[name].address) for name in ("postgres", "payments", "api")
    }
    command = " ".join(made["api"].program.command)
    for name in ("postgres", "payments"):
        assert made[name].address not in command and str(made[name].target["address"]) in command
    assert layout.target["api"] == f"http://{made['api'].target['address']}"
    assert made["api"].target["url"] == f"http://{made['api'].address}"
    # The gateway's book must not suffer from what happens to the API's database on its way.
    assert made["postgres"].address in " ".join(made["payments"].program.command)


def test_target_names_what_a_drill_needs() -> None:
    target = laid_out("--limit-per-s", "7").target
    assert (target["kind"], target["lab"]) == ("checkout", True)
    behavior = target["behaviors"]["CreateCheckoutSession"]
    assert behavior["body"] != behavior["other_body"]
    assert (behavior["key_header"], behavior["client_header"]) == ("Idempotency-Key", "X-Client-Id")
    assert set(target["components"].values()) == {"postgres", "payments", "api"}
    assert (target["facts"]["limit_per_s"], target["facts"]["answer_timeout_s"]) == (7, 4.0)
    assert all("{prefix}" in query for query in target["records"].values())
    assert "mutant" not in target


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--mutant", "key-rac"), 'Did you mean "key-race"'),
        (("--limit-per-s", "0"), "--limit-per-s 0 is out of range; choose 1 to 10000"),
    ],
)
def test_what_can_not_be_is_refused_by_name(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(NotStarted, match=message):
        LAB.lay_out(Workspace("checkout"), options(*words))
