"""Two instances of inventory change one stock while each of them is cut off in turn. No update is lost or doubled.

One whose way to PostgreSQL is slow holds its lock beyond its time: the other takes it, and both believe that it is
theirs. Whose token is older must then be refused by the database.
"""

import json
import random
from collections.abc import Iterator

from blackstart.base.errors import NotShown
from blackstart.faults.cut import Cut
from blackstart.faults.latency import Latency
from blackstart.loads import OpenLoop, Operation, Retry, constant
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, always, eventually
from blackstart.model.experiment import Check, EvidenceRow, Experiment, Traffic
from blackstart.model.flags import Flags
from blackstart.model.schedule import At
from blackstart.model.target import Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.suites.shop import _orders as common
from blackstart.suites.shop import _stock as stock
from blackstart.suites.shop import readings as read
from blackstart.suites.shop.link import links

RATE_PER_S = 2.0
EVERY_S, LASTS_S = 7.5, 5.0
"""From one partition's beginning to the next, and for how long its instance is slow, where its lock lapses soon."""
_LOCK_TTL_S, _LATE_SHARE, _DB_TIMEOUT_S = 1.5, 0.8, 2.0
_AMPLE = 1_000_000
_AGAIN = Retry(times=10, after_s=1.0, max_after_s=4.0, acknowledged_every=5)
_TIMEOUT_S = 8.0
_DECIDED = {"statuses": (200, 201, 409), "details": ("STOCK_UNAVAILABLE",)}


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """As many partitions as the fact `partitions` says, drawn by `partition_seed`. Raises NotShown where there are not
    two instances, one has no way to its stores that could be cut, or none can be late enough to lose its lock."""
    instances = _two(target)
    ttl_s = _lock_ttl_s(target)
    load = _updates(target, instances[0], instances[1])
    prefix = load.key_prefix
    product = f"{prefix}stock"
    return Experiment(
        name="split-brain",
        target="shop",
        hypothesis="While instances of inventory are cut off their updates conflict; a lock and its token let one win.",
        link=links(target),
        prepare=common.steps(target, product, _AMPLE),
        baseline=(
            *(
                eventually(read.ready(name).is_(200), within_s=BASELINE_WITHIN_S, name=f"{_word(name)}_ready_before")
                for name in instances
            ),
            *_answers("before", BASELINE_WITHIN_S),
        ),  # fmt: skip
        faults=tuple(_partitions(target, instances[0], instances[1])),
        recovery=tuple(_answers("again", common.catch_up_s(target) + ttl_s)),
        always=tuple(expected for name in instances for expected in _goes_on(name)),
        traffic=Traffic(load),
        checks=_checks(prefix),
        collect=(
            read.changed(prefix),
            read.attempts(prefix),
            read.left(product),
            read.twice_won(prefix),
            read.out_of_turn(product),
            read.stale(product),
        ),  # fmt: skip
        watch=(read.stale(product),),
        evidence_rows=(
            EvidenceRow("Attempts with an old token, refused", "backlog", {"probe": "stale", "figure": "highest"}),
            EvidenceRow("Updates made", "total", {"source": "changed"}),
            EvidenceRow("Recovery time", "recovery"),
            EvidenceRow("Availability", "availability"),
            EvidenceRow("Answers while partitions were in force", "answers", {"phase": "fault"}),
        ),
        hold_min_s=EVERY_S,
        settle_s=ttl_s * 3,
    )


def _two(target: Target) -> list[str]:
    instances = stock.instances(target)[:2]
    if len(instances) < 2:
        there = f"names {instances[0]} alone" if instances else "names none"
        raise NotShown(f'split-brain needs two instances of inventory with a url each, and "{target.name}" {there}')
    ways = [f"{store}-of-{name}" for name in instances for store in ("postgres", "redis")]
    if missing := [name for name in ways if name not in target.services]:
        raise NotShown(
            f"split-brain needs, for each inventory, a way of its own through the fault proxy to PostgreSQL and to "
            f'Redis, and "{target.name}" lacks {", ".join(missing)}'
        )
    late_s, limit_s = _LATE_SHARE * _lock_ttl_s(target), float(target.fact("db_timeout_s", _DB_TIMEOUT_S))
    if late_s >= limit_s:
        raise NotShown(
            f"split-brain makes each call of an inventory to PostgreSQL {late_s:g} s late, so that two of them outlast "
            f'the lock (lock_ttl_s), and "{target.name}" gives such a call {limit_s:g} s (db_timeout_s): it would fail '
            "before its lock lapses"
        )
    return instances


def _lock_ttl_s(target: Target) -> float:
    return float(target.fact("lock_ttl_s", _LOCK_TTL_S))


def _updates(target: Target, *instances: str) -> OpenLoop:
    """One unit each, of the same product, at both instances at once."""
    made = OpenLoop((Operation("unset", "/"),), constant(2 * RATE_PER_S), name="updates", retry=_AGAIN)
    body = {"reservation_id": "{key}", "product_id": f"{made.key_prefix}stock", "quantity": 1}
    operations = tuple(
        Operation(
            name=f"reserve_{number}",
            url=target.url(f"{name}:/api/v1/inventory/reserve"),
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body),
            timeout_s=_TIMEOUT_S,
            detail_from="json:change.outcome",
            error_from="json:error.code",
        )
        for number, name in enumerate(instances, 1)
    )
    return OpenLoop(operations, made.stages, made.name, made.key_prefix, _AGAIN)


def _partitions(target: Target, *instances: str) -> Iterator[At]:
    """Which instance, when, and in which order its ways fail: all of it follows from the seed."""
    chance = random.Random(int(target.fact("partition_seed", 1)))
    # Twice as late, when it reads and when it writes, is longer than the lock lasts.
    ttl_s = _lock_ttl_s(target)
    late_ms = int(ttl_s * _LATE_SHARE * 1000)
    lasts_s = max(LASTS_S, 3.3 * ttl_s)
    every_s = max(EVERY_S, lasts_s + 2.5)
    for number in range(int(target.fact("partitions", 4))):
        name = chance.choice(instances)
        from_s = number * every_s + chance.uniform(0.0, 0.5)
        # Whoever came first since then is late with the line in the audit, and has the lock by now: before, nobody may.
        cut_s = from_s + late_ms / 1000 + 1 / RATE_PER_S + chance.uniform(0.0, 0.3)
        slow, cut = f"postgres-of-{name}", f"redis-of-{name}"
        yield At(Latency(slow, late_ms, stream="upstream"), from_s, lasts_s, f"{number + 1}: {slow} late")
        # Longer than whoever has the lock then is late with it: nobody can give it back, so that it has to lapse.
        yield At(Cut(cut), cut_s, 2 * late_ms / 1000 + chance.uniform(0.3, 0.6), f"{number + 1}: {cut} cut")


def _answers(when: str, within_s: float) -> Iterator[Expectation]:
    for number, other in ((1, 2), (2, 1)):
        last = LoadOutcome(name=f"outcome_{number}", beside=f"reserve_{other}")
        yield eventually(
            last.is_("ok"),
            within_s=within_s,
            name=f"inventory_{number}_updates_{when}",
            hint="Its updates are refused: who holds the lock of the product, and when does it lapse?",
        )


def _goes_on(name: str) -> tuple[Expectation, ...]:
    return (
        always(read.health(name).is_(200), name=f"{_word(name)}_answers"),
        common.same_process(name),
    )


def _checks(prefix: str) -> tuple[Check, ...]:
    """`stale` is what was refused for an old token: where there was none, no two have believed that it was theirs."""
    contested = {"unless": "stale", "unless_is": 0}
    return (
        Check(
            "exactly_once",
            "updates_applied_once",
            {"source": "changed"},
            hint="An acknowledged update is not there, or a refused one is.",
        ),
        Check(
            "stock_conserved",
            "no_update_lost",
            {"initial": _AMPLE, "source": "changed", "stocks": ("left",)},
            hint="One update has overwritten another: does the database look at the token when it is read and written?",
        ),
        Check(
            "final_is",
            "one_winner",
            {"probe": "twice_won", "wanted": 0, **contested},
            hint="A change is there that did not win, or won more than once.",
        ),
        Check(
            "final_is",
            "writes_in_turn",
            {"probe": "out_of_turn", "wanted": 0, **contested},
            hint="The holder of an older token wrote after one with a newer.",
        ),
        Check(
            "attempts_recorded",
            "audit_shows_every_attempt",
            {"source": "attempts", **_DECIDED},
            hint="An attempt that was answered is not in the audit.",
        ),
    )


def _word(name: str) -> str:
    return name.replace("-", "_")
