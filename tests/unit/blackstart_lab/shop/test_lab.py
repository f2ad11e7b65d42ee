"""The lay-out of the shop: how many inventories there are, and which experiment needs two."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

import pytest

from blackstart.base.errors import NotShown
from blackstart.commands.target_file import from_table
from blackstart.model.flags import Flags
from blackstart.suites.shop import connection_exhaustion, split_brain
from blackstart_lab.model import Program, Service
from blackstart_lab.option import declare
from blackstart_lab.shop import lab
from blackstart_lab.shop.options import OPTIONS
from blackstart_lab.workspace import Workspace


@pytest.fixture(autouse=True)
def prepared_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Kafka and PostgreSQL would make their data folders: here only what is laid out around them is looked at."""

    def service(name: str, scheme: str, port: int) -> Service:
        address = f"127.0.0.1:{port}"
        return Service(name, Program(("true",), tmp_path), address, lambda: None, {"dsn": f"{scheme}://{address}"})

    monkeypatch.setattr(lab.kafka, "cluster", lambda _, ports, *__: [service("kafka", "kafka", ports[0])])
    monkeypatch.setattr(lab.postgres, "service", lambda _, port, *__: service("postgres", "postgresql", port))


def inventories(*words: str) -> tuple[dict[str, Service], dict[str, object]]:
    """What is laid out: the services of the name, and the whole target."""
    workspace, parser = Workspace("shop"), ArgumentParser()
    workspace.folder.mkdir(parents=True)
    declare(OPTIONS, parser)
    made = lab.LAB.lay_out(workspace, parser.parse_args(words))
    named = {service.name: dict(service.target) for service in made.services}
    table = {**made.target, "services": {**named, **made.target["services"]}}
    return {one.name: one for one in made.services if one.name.startswith("inventory")}, table


def test_there_are_two_with_ways_of_their_own_to_both_stores_which_split_brain_needs() -> None:
    made, table = inventories()
    assert list(made) == ["inventory-1", "inventory-2"]
    assert split_brain.experiment(from_table(table, "target.toml"), Flags()).traffic


def test_with_one_all_but_split_brain_have_what_they_need() -> None:
    made, table = inventories("--inventories", "1")
    target = from_table(table, "target.toml")
    assert list(made) == ["inventory-1"] and not [name for name in target.services if name.endswith("inventory-2")]
    assert connection_exhaustion.experiment(target, Flags()).during
    with pytest.raises(NotShown, match='and "shop" names inventory-1 alone$'):
        split_brain.experiment(target, Flags())
