"""Whether tests may use `./scripts/run`: it must find the environment that they run in, not make a new one."""

import filecmp
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def require_own_environment() -> None:
    """Skip where `./scripts/run` would make the environment anew, under the feet of the tests that run in it."""
    made_from, wanted = ROOT / ".venv" / "made-from.lock", ROOT / "requirements.lock"
    if not made_from.exists() or not filecmp.cmp(made_from, wanted, shallow=False):
        pytest.skip("needs an environment that ./scripts/run has made; run the tests with: ./scripts/run test")
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip(f"needs the environment {ROOT / '.venv'}, and runs in {sys.prefix}")
