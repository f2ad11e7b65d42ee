"""A terminal that was stopped while a fault is in force: nobody waits for it, the undo least of all."""

import os
import pty
import select
import subprocess
import termios
import time

import pytest

from blackstart.evidence import journal
from tests.lab.drills import BIN, ledger
from tests.lab.planted import DRILL, Planted, asked
from tests.requirements import require
from tests.services import eventually


@pytest.mark.parametrize("how", ["stopped by Ctrl-S", "read by nobody"])
def test_a_blocked_console_delays_no_undo(planted: Planted, how: str) -> None:
    if how == "stopped by Ctrl-S":
        require("terminal")
        ours, theirs = pty.openpty()
    else:
        ours, theirs = os.pipe()
        while select.select([], [theirs], [], 0)[1]:  # full from the beginning
            os.write(theirs, b"x" * 4096)
    run = subprocess.Popen(
        [str(BIN / "blackstart"), "chaos.run", str(DRILL)], env=planted.environment(HOW="hold", HOLD_S="1"),
        cwd=planted.folder / "work", stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    try:
        if how == "stopped by Ctrl-S":
            seen = b""
            while b"doing: stop redis" not in seen:
                seen += os.read(ours, 4096)
            termios.tcflow(theirs, termios.TCOOFF)
        assert eventually(lambda: not asked(planted.redis_port, planted.secrets["start"]), 60)
        down_s = time.monotonic()
        assert eventually(lambda: asked(planted.redis_port, planted.secrets["start"]), 20)
        assert time.monotonic() - down_s < 12
        assert eventually(lambda: not ledger(planted.folder / "state"), 20)
        assert run.wait(timeout=30) == 0
    finally:
        run.kill()
        run.wait(timeout=10)
        os.close(ours)
        os.close(theirs)
    (record,) = (planted.folder / "reports").glob("*/journal.jsonl")
    (verdict,) = journal.read(record).of("verdict")
    assert verdict["verdict"] == "held"
    assert not journal.read(record.with_name("guardian.jsonl")).of("taking over")  # it was the run that undid it
