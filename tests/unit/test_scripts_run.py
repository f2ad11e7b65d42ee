"""`./scripts/run`: what it makes of the environment of the tasks."""

import os
import shutil
import subprocess
import sys
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


def test_what_takes_minutes_at_the_first_start_is_said_at_once_and_beside_the_output(tmp_path: Path) -> None:
    """Up to its first step, here with a Python that has no venv, as Debian's own."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3.12"
    python.write_text(
        f'#!/bin/sh\n[ "$2" != venv ] || {{ echo "ensurepip is not available"; exit 1; }}\nexec {sys.executable} "$@"\n'
    )
    python.chmod(0o755)
    for name in ("scripts/run", "requirements.lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [tmp_path / "scripts/run", "chaos.list"], env={"PATH": f"{python.parent}:/usr/bin:/bin"}, cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = done.stderr.splitlines()
    assert done.returncode == 40 and done.stdout == ""
    assert said[0].startswith("Making the environment in .venv, once: pip installs") and "about 1 min" in said[0]
    assert said[1] == "ensurepip is not available" and "apt-get install python3-venv" in said[2]
