"""A load from pods: what is seen of them when they are ready, and refused before anything begins."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from blackstart.controls.kubernetes_context import Context
from blackstart.loads import K6, K6Pods
from blackstart.loads.driving import k6_pods
from blackstart.loads.driving.control import Control
from blackstart.loads.driving.k6_job_pods import JobPods

LOAD = K6Pods(K6("s.js"), 3, "k6:1", Context("shop", "kind"))


def says(off_s: float) -> dict[str, Any]:
    """A pod that was asked at 100.0, and had its answer here at 100.4, by a clock that is so much off."""
    return {"sent_s": 100.0, "back_s": 100.4, "now_ms": (100.2 + off_s) * 1000}


def test_pods_with_clocks_of_their_own_are_refused_before_the_load_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def armed(pods: JobPods) -> dict[str, Any]:
        return {"load-0": says(0.1), "load-1": says(-2.2), "load-2": says(1.2)}

    async def drive() -> None:
        async with asyncio.timeout(10):
            await k6_pods.drive(LOAD, tmp_path / "spec", tmp_path / "history.csv", Control(), None)

    said: list[str] = []
    monkeypatch.setattr(JobPods, "armed", armed)
    monkeypatch.setattr(k6_pods, "say", lambda what, **facts: said.append(what))
    with pytest.raises(ValueError, match=r"off this machine's \(load-1 by 2\.00 s, load-2 by 1\.00 s\)"):
        asyncio.run(drive())
    assert said == [] and not (tmp_path / "history.csv").exists()


@pytest.mark.parametrize("off_s", [-0.69, 0.0, 0.69])
def test_what_the_way_there_and_back_may_explain_is_no_other_clock(off_s: float) -> None:
    k6_pods.refuse_other_clocks({"load-0": says(off_s)})
