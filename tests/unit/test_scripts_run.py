"""`./scripts/run`: what it makes of the environment of the tasks."""

import os
import subprocess
from pathlib import Path

from tests.environment import ROOT, require_own_environment

TARGET = """name = "trader"
kind = "trader"
api = "http://127.0.0.1:9"

[services.redis]
address = "127.0.0.1:9"
control = { process = "sleep 48151.5", start = ["invoke", "a-server"] }
"""


def test_a_service_is_started_again_by_the_users_program_and_not_by_one_of_our_environment(tmp_path: Path) -> None:
    require_own_environment()
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "invoke"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "mine.toml").write_text(TARGET)
    path = [one for one in os.environ["PATH"].split(os.pathsep) if not one.startswith(str(ROOT))]
    env = {**os.environ, "BLACKSTART_STATE": str(tmp_path / "state"), "NONINTERACTIVE": "1"}
    env["PATH"] = os.pathsep.join([str(program.parent), *path])
    with subprocess.Popen(["sleep", "48151.5"]) as running:
        try:
            done = subprocess.run(
                [ROOT / "scripts" / "run", "chaos.plan", "leader-lock", "--target=mine.toml", "--full"],
                cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
        finally:
            running.kill()
    assert f"env PATH={program.parent}:" in done.stdout, done.stdout + done.stderr
    assert str(ROOT / ".venv" / "bin") not in done.stdout
