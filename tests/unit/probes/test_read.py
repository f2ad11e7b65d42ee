"""What a run needs for its readings is loaded before the first of them."""

import subprocess
import sys

import pytest

from blackstart.model.expect import always, eventually, never
from blackstart.model.reading import Answer
from blackstart.probes.http import HttpJson
from blackstart.probes.metrics import Metric
from blackstart.probes.read import reading_of
from blackstart.verdict.expectation_monitor import Monitor

_LOADED = """
import sys
from blackstart.probes import read as reading
from blackstart.probes.http import HttpStatus
from blackstart.probes.kafka_offsets import EndOffsets
from blackstart.probes.sql import SqlScalar
probes = [HttpStatus("http://localhost/ready"), SqlScalar("SELECT 1", dsn="postgresql://localhost/x")]
probes += [EndOffsets("orders", dsn="kafka://localhost")]
names = ("httptools", "psycopg", "kafka", "plumbum")
before = [name for name in names if name in sys.modules]
reading.load(probes, ("plumbum",))
print(before, [name for name in names if name in sys.modules])
"""


def test_clients_are_loaded_for_the_probes_that_there_are_and_not_before() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[] ['httptools', 'psycopg', 'kafka', 'plumbum']"


def test_a_probe_whose_endpoint_says_nothing_of_it_is_no_trouble() -> None:
    from blackstart.probes import read  # noqa: PLC0415
    from tests.unit.safety.file_fault import FileThere  # noqa: PLC0415

    read.load([FileThere("/x")])
    with pytest.raises(ModuleNotFoundError):
        read.load([], ("blackstart.no_such_thing",))


@pytest.mark.parametrize(
    ("probe", "body"),
    [(Metric("cpu"), b"cpu NaN\n"), (HttpJson("/", "cpu"), b'{"cpu": NaN}')],
    ids=["a series", "a field"],
)
def test_what_is_not_a_number_is_absent_and_neither_holds_nor_breaks(probe: Metric | HttpJson, body: bytes) -> None:
    """No comparison is true of it: nothing was ever above the limit, and nothing was always below it."""
    seen = reading_of(probe, Answer("answer", body, status=200), 1.0, 1.0)
    assert (seen.kind, seen.value, seen.note) == ("absent", None, "NaN is no number")
    for expectation in (never(probe.above(80)), always(probe.below(80)), eventually(probe.below(80), within_s=5)):
        monitor = Monitor(expectation, "fault", 0.0, anchor_s=0.0)
        for tick in range(60):
            monitor.feed(reading_of(probe, Answer("answer", body, status=200), tick / 10, tick / 10), 0.1)
        assert monitor.finish(6.0).status == "inconclusive"
