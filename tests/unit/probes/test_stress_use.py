"""What a stressor on this machine uses: of one that has ended it is seen that it uses nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from blackstart.controls import process_tree
from blackstart.probes.read import read_once
from blackstart.probes.stress_use import StressUse
from tests.services import eventually


def test_one_that_has_ended_uses_nothing_whether_its_record_is_left_or_not(tmp_path: Path) -> None:
    record = tmp_path / "record"
    probe = StressUse(str(record), "mb", "stress")
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        seen = process_tree.look(process.pid)
        assert seen is not None
        record.write_text("")  # it is only being written
        assert read_once(probe, 5.0).kind == "absent"
        record.write_text(f"{process.pid}:{seen.start}\n")
        assert eventually(lambda: (read_once(probe, 5.0).number or 0.0) > 0)
        process.kill()
    assert read_once(probe, 5.0).value == 0
    record.unlink()
    assert read_once(probe, 5.0).value == 0
