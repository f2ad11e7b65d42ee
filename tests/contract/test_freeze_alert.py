"""The freeze switch that is an alert, on a real Prometheus."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from blackstart.base.errors import Refused
from blackstart.safety.preflight import freeze
from blackstart.safety.preflight.freeze import NAMED
from tests.requirements import require
from tests.services import eventually, free_port

RULES = [
    {"alert": "Fires", "expr": "vector(1)", "annotations": {"summary": "the error budget is spent"}},
    {"alert": "Quiet", "expr": "vector(1) > 2"},
]


def told(port: int, alert: str) -> str:
    try:
        freeze.refuse({NAMED: f"prometheus+http://127.0.0.1:{port}/?alert={alert}"})
    except Refused as refusal:
        return str(refusal)
    return "not frozen"


@pytest.mark.prometheus
def test_an_alert_freezes_while_it_fires(tmp_path: Path) -> None:
    require("prometheus")
    port = free_port()
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "drills", "interval": "1s", "rules": RULES}]}))
    (tmp_path / "prometheus.yml").write_text(json.dumps({"rule_files": ["rules.yml"]}))  # JSON is YAML
    flags = {"config.file": tmp_path / "prometheus.yml", "storage.tsdb.path": tmp_path / "data",
             "web.listen-address": f"127.0.0.1:{port}"}  # fmt: skip
    argv = [shutil.which("prometheus") or "prometheus", *(f"--{name}={value}" for name, value in flags.items())]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(argv, stderr=log) as server:
        try:
            assert eventually(lambda: told(port, "Fires").startswith("Not started: frozen by"), 60), told(port, "Fires")
            assert "set by Prometheus since 20" in told(port, "Fires")
            assert "the error budget is spent" in told(port, "Fires")
            assert eventually(lambda: told(port, "Quiet") == "not frozen"), told(port, "Quiet")
            assert "no rule has that name" in told(port, "Misspelt")
        finally:
            server.kill()
