"""The flash sale's own checks and baseline, as its drills ask them, on histories and readings written by hand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from blackstart.base.codec import to_data
from blackstart.evidence.history import Row
from blackstart.evidence.journal import Event, Record
from blackstart.model.experiment import Experiment
from blackstart.model.finding import Finding
from blackstart.model.flags import Flags
from blackstart.model.reading import Reading
from blackstart.model.target import Service, Target
from blackstart.suites.flash_sale import (
    _sale,
    api_kill,
    database_down,
    kafka_down,
    kafka_partition_loss,
    redis_down,
    redis_latency,
    redis_partition,
    worker_crash,
)
from blackstart.suites.systems import of
from blackstart.verdict.checks import catalogue
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.expectation_monitor import Monitor
from tests.unit import builders
from tests.unit.verdict.checks.rows import DONE, history, recorded, row

SALE = Target(
    "mine", "flash-sale", api="http://127.0.0.1:1", system=of("flash-sale"),
    services={name: Service(name, control={"docker": name}) for name in ("api-1", "api-2", "kafka", "worker")},
)  # fmt: skip
PHASES = {"baseline": (0.0, 5.0), "fault": (5.0, 15.0), "recovery": (15.0, 20.0), "settle": (20.0, 25.0)}
NO_FLAGS = Flags()
TAKEN = {"event": "read", "sent": 4.0, "answered": 4.1, "r": [["done", "value", 7]]}
DRAINED = {"event": "read", "sent": 26.0, "answered": 26.1, "r": [["lag", "value", 0], ["done", "value", 99]]}


def verdict(
    drill: ModuleType,
    name: str,
    rows: list[Row],
    final: Mapping[str, Any] | None = None,
    phase: str = "",
    events: Sequence[Event] = (),
    flags: Flags = NO_FLAGS,
) -> str:
    """What the drill's check of this name says of them; with `phase`, of a run that had this one besides."""
    phases = {phase: PHASES["fault"]} if phase else PHASES
    (found,) = (one for one in findings(drill, rows, final, phases, events, flags) if one.name == name)
    return found.status


def findings(
    drill: ModuleType,
    rows: list[Row],
    final: Mapping[str, Any] | None = None,
    phases: Mapping[str, tuple[float, float]] = PHASES,
    events: Sequence[Event] = (),
    flags: Flags = NO_FLAGS,
) -> list[Finding]:
    told = recorded(history(*rows), final, phases, load=DONE, in_force=PHASES["fault"])
    seen = Recorded(told.history, Record((*told.record.events, TAKEN, DRAINED, *events)))
    return [catalogue.apply(check, seen) for check in drill.experiment(SALE, flags).checks]


def few_of(experiment: Experiment) -> int:
    """How many units there are of the product that runs out."""
    (few,) = (one.params["initial"] for one in experiment.checks if one.name == "no_oversell")
    return int(few)


@pytest.mark.parametrize(
    ("redis", "database", "wanted"), [(0, 0, "held"), (0, 5, "broke"), (5, 0, "broke"), (0, None, "inconclusive")]
)
def test_a_product_that_ran_out_has_come_to_0_in_every_store(redis: int, database: int | None, wanted: str) -> None:
    few = few_of(worker_crash.experiment(SALE, NO_FLAGS))
    sold = [f"k{n}" for n in range(few if redis == database else few - 5)]
    rows = [row(key, op=_sale.LAST_ONES, status=200) for key in sold]
    rows += [row(f"f{n}", "fail", op=_sale.LAST_ONES) for n in range(65)]
    final: dict[str, Any] = {"last_keys": json.dumps(sold), "redis_last": redis}
    if database is not None:
        final["last_total"] = database + len(sold)
    assert verdict(worker_crash, "last_ones_conserved", rows, final) == wanted


@pytest.mark.parametrize("gate_per_s", [5.0, 50.0, 500.0])
def test_the_product_that_runs_out_does_so_under_the_fault_at_every_rate(gate_per_s: float) -> None:
    slow = replace(SALE, facts={"gate_per_s": gate_per_s})
    spans = ((worker_crash, 5.0, 30.0), (redis_latency, 17.0, 23.0), (database_down, 0.0, 9.0), (api_kill, 0.0, 9.0))
    for drill, begins_s, ends_s in spans:
        made = drill.experiment(slow, NO_FLAGS)
        few = few_of(made)
        assert f'"quantity": {few}' in json.dumps(to_data(made.prepare))
        # The load begins a second or so before the fault.
        assert begins_s + 1.0 < few / (gate_per_s * 0.55 / 5) < ends_s


def refused(count: int, status: int | None = 500, detail: str = "error", at_s: float = 8.0) -> list[Row]:
    return [row(f"e{at_s}{status}{n}", "info", status=status, detail=detail, at_s=at_s) for n in range(count)]


def accepted(count: int, detail: str = "success", at_s: float = 8.0) -> list[Row]:
    return [row(f"a{at_s}{detail}{n}", status=200, detail=detail, at_s=at_s) for n in range(count)]


def silent(count: int, at_s: float = 8.0) -> list[Row]:
    """Connections were refused."""
    return [row(f"s{at_s}{n}", "fail", status=None, at_s=at_s) for n in range(count)]


def unkept(count: int) -> list[Row]:
    """Answered with 200, and neither accepted nor known."""
    return [row(f"u{n}", "fail", status=200, detail="error", at_s=8.0) for n in range(count)]


def stopped() -> list[Event]:
    """Kafka's control has seen it stopped all the time."""
    return [
        {"event": "read", "sent": at / 10, "answered": at / 10 + 0.01, "r": [["kafka_status", "value", "stopped"]]}
        for at in range(50, 150)
    ]


@pytest.mark.parametrize("drill", [kafka_down, kafka_partition_loss])
@pytest.mark.parametrize(
    ("rows", "rejected", "promised"),
    [
        (refused(90) + accepted(5, "ignored") + [row("g", "fail", status=302)], "held", "held"),
        (refused(90) + accepted(90, at_s=4.0) + accepted(90, at_s=15.5), "held", "held"),
        (refused(20) + accepted(80), "broke", "held"),
        (refused(100, 503), "held", "broke"),
        (refused(99) + refused(1, 503), "held", "broke"),
        (refused(99) + refused(1, detail="ok"), "held", "broke"),
        (refused(99) + refused(1, detail=""), "held", "broke"),
        (refused(99) + unkept(1), "held", "broke"),
        (silent(100), "held", "inconclusive"),
    ],
    ids=[
        "refused",
        "before and after",
        "accepted",
        "503",
        "one 503",
        "another body",
        "no body",
        "no true 200",
        "nobody answers",
    ],
)
def test_what_nobody_can_keep_is_refused_as_promised(
    drill: ModuleType, rows: list[Row], rejected: str, promised: str
) -> None:
    assert (verdict(drill, "orders_rejected", rows), verdict(drill, "refused_as_promised", rows)) == (
        rejected,
        promised,
    )


def test_of_a_k6_script_whose_rows_have_no_body_the_status_is_enough() -> None:
    k6 = Flags(k6="load.js")
    assert verdict(kafka_down, "refused_as_promised", refused(100, detail=""), flags=k6) == "held"
    assert verdict(kafka_down, "refused_as_promised", refused(100, 503, detail=""), flags=k6) == "broke"


@pytest.mark.parametrize("drill", [redis_down, redis_partition])
@pytest.mark.parametrize(
    ("rows", "stock", "answers"),
    [
        (refused(90) + accepted(90, at_s=4.0) + accepted(90, at_s=15.5), "held", "held"),
        (refused(90) + unkept(1) + [row("x", "info", status=204, at_s=8.0)], "held", "held"),
        (refused(90) + accepted(1), "broke", "held"),
        (refused(90) + silent(1), "held", "broke"),
        ([row(f"h{n}", start_s=8.0, end_s=15.5, at_s=8.0) for n in range(90)], "held", "inconclusive"),
    ],
    ids=["refused", "refused with a 2xx", "accepted", "nobody answers", "nobody answers before it is over"],
)
def test_silence_is_no_acceptance_and_is_told_by_its_own_name(
    drill: ModuleType, rows: list[Row], stock: str, answers: str
) -> None:
    assert (verdict(drill, "none_accepted_without_stock", rows), verdict(drill, "orders_answered", rows)) == (
        stock,
        answers,
    )


@pytest.mark.parametrize(
    ("drill", "broke"),
    [
        (kafka_down, {"orders_rejected", "none_accepted_without_kafka", "acknowledged_exactly_once"}),
        (redis_down, {"none_accepted_without_stock", "acknowledged_exactly_once"}),
    ],
)
def test_orders_that_are_lost_as_if_nothing_were_broken_are_no_proof_that_nothing_was(
    drill: ModuleType, broke: set[str]
) -> None:
    kept = accepted(99, at_s=4.0)
    final = {"keys": json.dumps([one.key for one in kept])}
    found = findings(drill, kept + accepted(99), final, events=stopped())
    assert broke <= {one.name for one in found if one.status == "broke"}
    assert builders.whole().judged(tuple(found)).verdict == "broke"


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (refused(90) + accepted(9, "ignored") + accepted(9, at_s=5.05) + accepted(9, at_s=14.95), "held"),
        (refused(90) + accepted(1), "broke"),
    ],
    ids=["known, or sent while it came and went", "a new one"],
)
def test_no_new_order_is_accepted_while_the_broker_is_seen_stopped(rows: list[Row], wanted: str) -> None:
    assert verdict(kafka_down, "none_accepted_without_kafka", rows, events=stopped()) == wanted
    assert verdict(kafka_down, "none_accepted_without_kafka", rows) == "inconclusive"


@pytest.mark.parametrize("drill", [worker_crash, database_down, api_kill])
@pytest.mark.parametrize(
    ("name", "at_s"), [("api_available", 10.0), ("api_available_in_recovery", 17.0), ("orders_stay_accepted", 22.0)]
)
def test_what_answers_orders_and_was_not_broken_fails_none_until_the_end(
    drill: ModuleType, name: str, at_s: float
) -> None:
    served = [one for at in (10.0, 17.0, 22.0) for one in accepted(99, at_s=at)]
    assert verdict(drill, name, served) == "held"
    assert verdict(drill, name, [*served, *refused(1, at_s=at_s)]) == "broke"
    assert verdict(drill, name, [*served, row("u", "fail", status=200, detail="error", at_s=at_s)]) == "broke"


@pytest.mark.parametrize(
    ("step", "name", "wanted"),
    [
        ("0 ms", "no_errors_at_0_ms", "broke"),
        ("50 ms", "no_errors_at_50_ms", "broke"),
        ("100 ms", "errors_under_1_percent_at_100_ms", "held"),
    ],
)
def test_one_error_in_two_hundred_is_none_too_many_at_100_ms_alone(step: str, name: str, wanted: str) -> None:
    assert verdict(redis_latency, name, accepted(199), phase=step) == "held"
    assert verdict(redis_latency, name, accepted(199) + refused(1), phase=step) == wanted


def test_a_tail_of_slow_orders_is_not_accepted_in_time() -> None:
    slow = [one._replace(key=f"s{one.key}", end_s=one.intended_s + 2.0) for one in accepted(5)]
    assert verdict(redis_latency, "accepted_in_time_at_50_ms", accepted(195), phase="50 ms") == "held"
    assert verdict(redis_latency, "accepted_in_time_at_50_ms", accepted(195) + slow, phase="50 ms") == "broke"


def test_a_declared_gate_that_fails_open_is_not_accused_of_it() -> None:
    def names(target: Target) -> set[str]:
        return {check.name for check in redis_partition.experiment(target, Flags()).checks}

    told = Target("mine", "flash-sale", api=SALE.api, services=SALE.services, facts={"gate_fails_open": True})
    assert names(SALE) - names(told) == {"none_accepted_without_stock"}


@pytest.mark.parametrize(
    ("name", "probe", "values", "wanted"),
    [
        ("old_orders_cleared", "old_orders", (0, 0, 0), True),
        ("old_orders_cleared", "old_orders", (12, 12, 12), False),
        ("old_orders_cleared", "old_orders", (None, None, 300, 300), False),
        ("old_orders_cleared", "old_orders", (None, 0, 1, 2), True),  # whose these are is seen in the end
        ("worker_keeps_up_before", "lag", (20, 9, 20), True),
        ("worker_keeps_up_before", "lag", (3, 9, 40, 70), False),
    ],
)
def test_what_was_left_before_is_found_before_anything_is_broken(
    name: str, probe: str, values: tuple[int | None, ...], wanted: bool
) -> None:
    (one,) = (one for one in worker_crash.experiment(SALE, Flags()).baseline if one.name == name)
    assert one.condition.probes[0].name == probe
    monitor = Monitor(one, "baseline", 0.0, anchor_s=0.0)
    for at_s, value in enumerate(values):
        kind = "value" if value is not None else "absent"
        monitor.feed(Reading(probe, kind, float(at_s), at_s + 0.1, value), 1.0)
    assert (monitor.interval is not None and not monitor.lost_again) == wanted
