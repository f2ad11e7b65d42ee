"""What the burst of plans expects of a target that says how a plan is made, and of one that does not."""

from __future__ import annotations

from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.trader import rate_limit_spike

API = "http://127.0.0.1:8000"


def test_nothing_of_it_is_left_without_a_route_for_plans() -> None:
    drill = rate_limit_spike.experiment(Target("trader", api=API), Flags())
    assert (drill.traffic, drill.needs) == (None, {"plans": ()})


def test_with_one_the_queue_is_awaited_at_the_targets_own_rate() -> None:
    target = Target("trader", api=API, routes={"plans": {"route": "/plans"}}, facts={"throttle_orders_per_s": 50})
    drill = rate_limit_spike.experiment(target, Flags())
    (rises,) = drill.during
    assert (rises.name, rises.drains_per_s) == ("depth_rises", 50.0)
