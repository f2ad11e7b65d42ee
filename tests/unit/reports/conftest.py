"""Runs that every report is tested on, told once."""

from pathlib import Path

import pytest

from blackstart.reports.story import RunView
from tests.unit.reports.drills import Drill, Seen, judged, told


def flaky(at_s: float) -> Seen:
    """A health that is timed out, malformed, absent and unreadable for a while each."""
    if 3.0 < at_s < 3.4:
        return ("timed_out", None, "no answer within 2 s")
    if 5.0 < at_s < 5.3:
        return ("malformed", None, "not JSON: <html>")
    if 5.6 < at_s < 6.0:
        return ("absent", None, "no field status")
    if 6.4 < at_s < 6.8:
        return ("unreadable", None, "answer larger than 4194304 bytes")
    return ("value", "healthy")


DRILLS = {
    "held": Drill(load=True),
    "broke": Drill(
        leads_again=False, end_s=9.5, health=flaky, load=True,
        extra=[("note", {"text": "<script>alert(1)</script> & ]]> \x00 looks bad"})],
    ),
    "inconclusive": Drill(bites=False),
    "unseen": Drill(health=lambda at_s: ("absent", None, "no field status")),
    "not-restored": Drill(gone_ok=False),
    "refused": Drill(stop_at="fault", extra=[("refused", {"message": "Not started: the baseline does not hold"})]),
    "killed": Drill(stop_at="recovery"),
}  # fmt: skip


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The evidence folder of each drill. They are shared: don't write into them."""
    root = tmp_path_factory.mktemp("runs")
    return {name: told(drill, root / name) for name, drill in DRILLS.items()}


@pytest.fixture(scope="session")
def stories(runs: dict[str, Path]) -> dict[str, RunView]:
    """The story of each."""
    return {name: RunView(*judged(path), path) for name, path in runs.items()}
