"""Thresholds over the samples of all pods are judged by k6's own rules: of one k6 they are its own verdicts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from blackstart.loads.driving.k6_thresholds import Union
from blackstart.loads.k6 import ARGUMENTS, VARIABLES_SET
from tests.requirements import require

pytestmark = pytest.mark.k6

SCRIPT = """
import { Counter, Gauge, Rate, Trend } from 'k6/metrics';
const took = new Trend('took'), failed = new Rate('failed'), users = new Gauge('users'), sent = new Counter('sent');
const never = new Counter('never');
export const options = { vus: 1, iterations: 20, thresholds: THRESHOLDS };
export default function () {
  took.add(__ITER, { half: __ITER < 10 ? 'first' : 'second' });
  failed.add(__ITER % 4 === 0);
  users.add(20 - __ITER);
  sent.add(2);
}
"""
# Each pair is the same figure with its verdict turned round: at the very edge of what k6 calculates.
THRESHOLDS = {
    "took": ["p(90)<=17.1", "p(90)<17.1", "med>=9.5", "med>9.5", "avg==9.5", "avg!=9.5", "max<19", "min<=0", "p(0)>0"],
    "took{half:second}": ["min>=10", "min>10", "p(50)===14.5"],
    "took{half:third}": ["max<1"],
    "failed": ["rate<=0.25", "rate<0.25"],
    "users": ["value<=1", "value>1"],
    "sent": ["count>=40", "count>40", "rate>1"],
    "never": ["count<1"],
}
TYPES = {"took": "trend", "failed": "rate", "users": "gauge", "sent": "counter", "never": "counter"}


def test_of_one_k6_all_are_its_own_verdicts(tmp_path: Path) -> None:
    require("k6")
    script, summary = tmp_path / "script.js", tmp_path / "summary.json"
    script.write_text(SCRIPT.replace("THRESHOLDS", json.dumps(THRESHOLDS)))
    k6 = shutil.which("k6") or os.path.expanduser("~/go/bin/k6")
    words = [word for word in ARGUMENTS if word != "--paused"]
    ran = subprocess.run(
        [k6, "run", *words, "--address=", f"--summary-export={summary}", str(script)],
        env={**os.environ, **VARIABLES_SET}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 99, ran.stderr
    theirs = {
        f"{metric}: {name}": not crossed
        for metric, facts in json.loads(summary.read_text())["metrics"].items()
        for name, crossed in facts.get("thresholds", {}).items()
    }
    union = Union(THRESHOLDS)
    for line in ran.stdout.splitlines():
        union.feed(line)
    ours = union.thresholds(TYPES, lasted_s=1.0)
    assert {one.name: one.held for one in ours} == theirs
    assert len(theirs) == sum(map(len, THRESHOLDS.values()))
    assert {one.name for one in ours if not one.seen} == {"took{half:third}: max<1"}
