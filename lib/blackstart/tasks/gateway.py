"""`gateway.*`: the drills of the gateway, C-01 to C-05, and its baseline."""

from __future__ import annotations

from typing import Any

from blackstart.tasks._options import experiment_task
from blackstart.tasks._suites import collection


def _run(options: dict[str, Any]) -> int:
    from blackstart import command  # noqa: PLC0415  (listing imports no libraries)

    scenario = options.pop("scenario", None)
    return command.suite("gateway", options, True) if scenario is None else command.run(f"gateway/{scenario}", options)


namespace = collection("gateway", "gateway")
namespace.add_task(
    experiment_task("run", "One scenario by name (--scenario redis-latency), or all.", _run, values=("scenario",))
)
