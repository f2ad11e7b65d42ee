"""Under load the worker is killed and Kafka stopped, again and again: nothing is lost, placed twice or oversold."""

from pathlib import Path

import pytest

from tests.lab.drills import ledger
from tests.lab.sale_soak import parser, soak

pytestmark = pytest.mark.slow


@pytest.mark.timeout(900)
def test_whenever_the_worker_is_killed_each_acknowledged_order_is_placed_once(tmp_path: Path) -> None:
    options = parser().parse_args(["--orders", "2000", "--kills", "4", "--outages", "1", "--rate", "50"])
    reports = tmp_path / "reports"
    reports.mkdir()
    one, done = soak(tmp_path / "state", reports, options)
    what = f"seed {options.seed}: {one.told}\n{done.output}"
    assert done.code == 0 and len(one.told) == 4, what
    found = {finding.name: finding.status for finding in done.judged().findings}
    for check in ("acknowledged_exactly_once", "idempotent_answers", "no_oversell", "no_phantom_orders"):
        assert found[check] == "held", what
    assert ledger(tmp_path / "state") == []
