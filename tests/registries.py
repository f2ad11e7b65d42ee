"""Packages that only a test needs, from their registries."""

import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from tests.requirements import demanded


def cannot(reason: str) -> NoReturn:
    """Skip with the reason, or fail where the registries were demanded."""
    if "registries" in demanded():
        pytest.fail(reason)
    pytest.skip(reason)


def install(*command: str, cwd: Path, within_s: float = 180) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=within_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        cannot(f"the registry can't be used: {error}")
    if done.returncode:
        cannot(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-300:]}")
