"""Labs are found, not registered; listing them loads nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from blackstart_lab import discover
from blackstart_lab.lab_error import NotStarted


def test_trader_is_found() -> None:
    assert discover.packages()["trader"] == "blackstart_lab.trader.lab"
    assert discover.load("trader").name == "trader"


def test_package_without_a_lab_module_is_no_lab() -> None:
    assert "servers" not in discover.packages()


def test_new_package_with_a_lab_module_is_a_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import blackstart_lab  # noqa: PLC0415

    package = tmp_path / "bazaar"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "lab.py").write_text("LAB = 'a lab'\n")
    monkeypatch.setattr(blackstart_lab, "__path__", [*blackstart_lab.__path__, str(tmp_path)])
    assert discover.load("bazaar") == "a lab"


def test_unknown_lab_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(NotStarted, match='no lab "tader". Did you mean "trader"'):
        discover.load("tader")


def test_importing_the_tasks_loads_no_library_but_invoke() -> None:
    heavy = ("aiohttp", "psycopg", "redis", "prometheus_client", "psutil", "supervisor", "platformdirs", "kafka")
    code = f"import sys, blackstart_lab.tasks; print([name for name in {heavy!r} if name in sys.modules])"
    root = Path(__file__).parents[3]
    environment = {"PYTHONPATH": str(root / "lib")}
    output = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True, timeout=30)
    assert output.strip() == "[]"
