"""The scenarios of the checkout's specification on the real lab: run like any other drill, one by one or all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.suites import systems
from tests.lab.checkout_driver import CheckoutDriver
from tests.lab.drills import drill

SPEC = systems.folder("checkout") / "spec.isl"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckoutDriver]:
    """A healthy checkout for all the tests of this file."""
    driver = CheckoutDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


@pytest.mark.parametrize("scenario", ["concurrent-duplicate-requests", "idempotency-conflict"])
def test_a_scenario_is_a_drill(checkout: CheckoutDriver, tmp_path: Path, scenario: str) -> None:
    done = drill(f"checkout.{scenario}", checkout.state, tmp_path)
    assert done.code == 0, done.output
    assert done.judged().verdict == "held" and checkout.left_broken() == ""


def test_a_thousand_duplicates_are_one_session(checkout: CheckoutDriver, tmp_path: Path) -> None:
    spec = tmp_path / "thousand.isl"
    spec.write_text(SPEC.read_text().replace("concurrent_requests(count: 10)", "concurrent_requests(count: 1000)"))
    done = drill(
        "chaos.run", checkout.state, tmp_path / "reports", str(spec), "--scenario=concurrent-duplicate-requests"
    )
    assert done.code == 0, done.output
    statuses = [event for event in done.record.of("load") if "summary" in event]
    assert statuses[0]["summary"]["ok"] == 1000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_of_a_specification_hold_on_the_healthy_checkout(checkout: CheckoutDriver, tmp_path: Path) -> None:
    done = drill("chaos.run", checkout.state, tmp_path, str(SPEC), within_s=500)
    assert (done.code, "held, 7 of 7" in done.output) == (0, True), done.output
    assert checkout.left_broken() == ""
