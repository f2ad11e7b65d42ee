"""What a run needs for its readings is loaded before the first of them."""

import subprocess
import sys

import pytest

_LOADED = """
import sys
from blackstart import reading
from blackstart.probes.http import HttpStatus
from blackstart.probes.sql import SqlScalar
probes = [HttpStatus("http://localhost/ready"), SqlScalar("SELECT 1", dsn="postgresql://localhost/x")]
names = ("httptools", "psycopg", "plumbum")
before = [name for name in names if name in sys.modules]
reading.load(probes, ("plumbum",))
print(before, [name for name in names if name in sys.modules])
"""


def test_clients_are_loaded_for_the_probes_that_there_are_and_not_before() -> None:
    done = subprocess.run([sys.executable, "-c", _LOADED], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[] ['httptools', 'psycopg', 'plumbum']"


def test_a_probe_whose_endpoint_says_nothing_of_it_is_no_trouble() -> None:
    from blackstart import reading  # noqa: PLC0415
    from tests.unit.safety.file_fault import FileThere  # noqa: PLC0415

    reading.load([FileThere("/x")])
    with pytest.raises(ModuleNotFoundError):
        reading.load([], ("blackstart.no_such_thing",))
