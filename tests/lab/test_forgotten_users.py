"""A Redis that forgets at its restart the user that the drill asks it with: it is up all the same."""

from pathlib import Path

import pytest
import redis

from tests.lab.drills import drill, ledger
from tests.lab.lab_driver import LabDriver


def test_a_server_that_forgets_its_users_at_restart_is_up_and_the_drill_holds(tmp_path: Path) -> None:
    lab = LabDriver(tmp_path / "state").up("--forgets-users")
    try:
        url = str(lab.target["services"]["redis"]["dsn"])
        with redis.Redis.from_url(url) as before:
            assert before.get("trader:leader")
        done = drill("chaos.leader-lock", lab.state, tmp_path / "reports")
        assert done.code == 0, done.output
        assert "drill-pass" not in done.output and ledger(lab.state) == []
        with redis.Redis.from_url(url) as after, pytest.raises(redis.AuthenticationError):  # else nothing was shown
            after.ping()
    finally:
        lab.command("down")
