"""The flash sale as it is coded, and mutants whose defect lies between its programs: each shows what its name says."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.lab.lab_driver import eventually
from tests.lab.sale_driver import Buyers, SaleDriver

pytestmark = pytest.mark.slow
Up = Callable[..., SaleDriver]


@pytest.fixture
def sale(own_state: Path) -> Iterator[Up]:
    """Brings the sale up, with flags, and opens it."""
    driver = SaleDriver(own_state)
    yield lambda *flags: driver.up(*flags).init(2000)
    driver.command("down")


def test_as_coded_takes_a_key_several_times_and_a_unit_for_an_order_that_kafka_never_had(sale: Up) -> None:
    lab = sale("--as-coded")
    assert (lab.target["profile"], lab.target["facts"]["session_timeout_s"]) == ("as-coded", 30.0)
    with ThreadPoolExecutor(20) as pool:
        answers = [each.json()["status"] for each in pool.map(lambda _: lab.place("one"), range(20))]
    accepted = answers.count("success")
    assert accepted > 1
    eventually(lambda: len(lab.rows()) == accepted, 20)
    assert lab.units() == (2000 - accepted,) * 2
    lab.supervisor("stop", "kafka")
    began = time.monotonic()
    assert lab.place("lost", within_s=40).status_code == 500
    assert 15 < time.monotonic() - began < 30
    assert lab.units() == (2000 - accepted - 1, 2000 - accepted)


def test_as_coded_worker_dies_with_the_database_and_started_without_it_never_reads(sale: Up) -> None:
    lab = sale("--as-coded")
    before = lab.pid("worker")
    lab.supervisor("stop", "postgres")
    eventually(lambda: lab.pid("worker") not in (0, before), 20)
    eventually(lambda: lab.health("worker").get("status") == "ok", 20)
    assert lab.place("waits").status_code == 200
    lab.supervisor("start", "postgres")
    eventually(lambda: lab.rows() == [], 20)
    with Buyers(lab) as buyers:
        eventually(lambda: len(buyers.accepted()) > 60, 20)
    assert (lab.rows(), lab.health("worker")["partitions"]) == ([], 0)


def test_mutant_sticky_load_balancer_answers_with_errors_while_an_api_is_away(sale: Up) -> None:
    lab = sale("--mutant", "sticky-load-balancer")
    with Buyers(lab) as buyers:
        eventually(lambda: len(buyers.accepted()) > 10, 20)
        lab.kill("api-1")
        eventually(lambda: sum(buyers.refused().values()) > 3, 20)
        eventually(lambda: lab.health("api-1").get("kafka") == "up", 20)


def test_mutant_no_restart_leaves_worker_and_api_where_they_are(sale: Up) -> None:
    lab = sale("--mutant", "no-restart")
    for service in ("worker", "api-2"):
        lab.kill(service)
        eventually(lambda service=service: lab.supervisor("status", service).split()[1] == "EXITED", 10)
    assert lab.place("waits").status_code == 200
    assert lab.rows() == [] and lab.health("worker") == {}


def test_mutant_acks_before_commit_loses_what_the_worker_had_in_hand(sale: Up) -> None:
    lab = sale("--mutant", "acks-before-commit")
    with Buyers(lab, rate_per_s=40) as buyers:
        eventually(lambda: len(lab.rows()) > 60, 30)
        killed = lab.kill("worker")
        eventually(lambda: lab.pid("worker") not in (0, killed), 10)
    eventually(lambda: lab.health("worker").get("kafka") == "up", 20)
    assert lab.place("last").status_code == 200
    eventually(lambda: "last" in lab.rows(), 30)
    assert buyers.accepted() - set(lab.rows())


def test_mutant_dies_on_db_loss_stays_down(sale: Up) -> None:
    lab = sale("--mutant", "dies-on-db-loss")
    lab.supervisor("stop", "postgres")
    assert lab.place("waits").status_code == 200
    eventually(lambda: lab.supervisor("status", "worker").split()[1] == "EXITED", 20)
    assert len(lab.events("given_up", "worker")) == 1


def test_mutant_commits_before_write_loses_what_comes_while_the_database_is_away(sale: Up) -> None:
    lab = sale("--mutant", "commits-before-write")
    lab.supervisor("stop", "postgres")
    assert lab.place("lost").status_code == 200
    eventually(lambda: lab.health("worker")["database"] == "down", 20)
    lab.supervisor("start", "postgres")
    eventually(lambda: lab.health("worker")["database"] == "up", 20)
    assert lab.place("last").status_code == 200
    eventually(lambda: lab.rows() == ["last"], 20)
