"""Whether tests may use `./scripts/run`: it must find the environment that they run in, not make a new one."""

import filecmp
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def require_made_environment() -> None:
    """Skip where `./scripts/run` would make the environment that the tests run in anew, under their feet."""
    made_from = Path(sys.prefix) / "made-from.lock"
    if not made_from.exists() or not filecmp.cmp(made_from, ROOT / "requirements.lock", shallow=False):
        pytest.skip("needs an environment that ./scripts/run has made; run the tests with: ./scripts/run test")


def require_own_environment() -> None:
    """Skip where `./scripts/run` of this clone would not find the environment that the tests run in."""
    require_made_environment()
    if Path(sys.prefix) != ROOT / ".venv":
        pytest.skip(f"needs the environment {ROOT / '.venv'}, and runs in {sys.prefix}")
