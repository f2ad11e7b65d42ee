"""PostgreSQL dies while Redis is away: no drill of Redis touches it, and the run says what became of it."""

import subprocess
from pathlib import Path

from tests.lab.drills import ROOT, Drill, command, environment
from tests.lab.lab_driver import LabDriver, eventually
from tests.lab.pausing_drill import __file__ as FILE


def test_a_postgres_that_dies_in_a_drill_of_redis_is_named(lab: LabDriver, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    env = environment(
        lab.state, tmp_path / "reports", HOW="held", MEANWHILE="postgres down", DRILL_FILE=str(tmp_path / "file")
    )
    child = subprocess.Popen(
        command("chaos.run", FILE), cwd=ROOT, env={**env, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    reports = tmp_path / "reports"
    eventually(lambda: any(b'"phase":"fault"' in path.read_bytes() for path in reports.glob("*/journal.jsonl")), 60)
    lab.supervisor("stop", "postgres")
    output, _ = child.communicate(timeout=120)
    lab.supervisor("start", "postgres")
    done = Drill(child.returncode, output, reports)
    assert done.code == 20, output
    assert done.failed() == {"others_as_before"}
    before, after = (event["services"] for event in done.record.of("services"))
    assert before["postgres"]["status"] in ("running", "starting") and after["postgres"]["status"] == "stopped"
    assert before["api"]["instance"] == after["api"]["instance"] != ""
    (reason,) = done.judged().reasons
    assert "postgres was running before, and is stopped afterwards" in reason
