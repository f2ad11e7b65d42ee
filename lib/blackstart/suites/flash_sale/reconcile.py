"""What Redis, Kafka and the database have left of the sale's products, and the gap; --mend closes it in Redis.

Nothing is touched without --mend. With it Redis is given the database's stock, where no order waits in Kafka, nobody
has ordered since it was shown, and every stock in Redis still is what was shown.
"""

import json
import time
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from blackstart.base import clock
from blackstart.base.codec import from_data
from blackstart.base.errors import EXIT_BROKE, EXIT_HELD, EXIT_INCONCLUSIVE, Refused
from blackstart.base.printable import table
from blackstart.controls.steps.redis_set import compare_and_set
from blackstart.evidence import history, journal, runs
from blackstart.evidence.events import EventName
from blackstart.model.command import Session
from blackstart.model.reading import Probe, Reading
from blackstart.model.target import Target
from blackstart.probes.kafka_offsets import EndOffsets
from blackstart.probes.read import read_once
from blackstart.suites.flash_sale import readings as read
from blackstart.suites.flash_sale._sale import sale
from blackstart.verdict.checks.exactly_once import exactly_once
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter

SWITCHES = {"mend": "set Redis to the database's stock, where no order waits and nobody sells"}
VALUES = {"run": "name, id or path of a run: what it was told to be accepted is compared with the rows"}
_READ_WITHIN_S = 10.0
# As long as nobody orders for: an order that has taken its unit is in Kafka by then, or was refused.
_QUIET_S, _LOOK_EVERY_S = 5.0, 0.5


@dataclass(frozen=True)
class Stores:
    """What each store says at one time: the stocks of each product in Redis and in the database, how many orders wait
    in Kafka, and how many ever came."""

    stocks: dict[str, tuple[Reading, Reading]]
    waiting: Reading
    came: Reading

    @property
    def unread(self) -> list[str]:
        """What could not be read, and why."""
        every = [*(one for pair in self.stocks.values() for one in pair), self.waiting, self.came]
        return [str(one) for one in every if one.number is None]

    @property
    def gaps(self) -> dict[str, float]:
        """How many units more the database has, of what could be read."""
        numbers = {product: (redis.number, kept.number) for product, (redis, kept) in self.stocks.items()}
        return {name: kept - left for name, (left, kept) in numbers.items() if left is not None and kept is not None}

    @property
    def still(self) -> list[float | None]:
        """What stays as it is while nobody sells."""
        return [one.number for pair in self.stocks.values() for one in pair] + [self.waiting.number, self.came.number]


def command(session: Session) -> int:
    """0: the stores agree, or agree now. 20: they don't. 30: it can't be told. Raises Refused where it may not mend."""
    run = session.options.get("run")
    shown = look(session.target)
    orders = _orders(session, run, shown.waiting) if run else None
    _show(session, shown)
    code = _mend(session, shown) if session.options.get("mend") else _code(session, shown)
    codes = {code, orders.verdict.exit_code if orders else EXIT_HELD}
    return next(worst for worst in (EXIT_BROKE, EXIT_INCONCLUSIVE, EXIT_HELD) if worst in codes)


def look(target: Target) -> Stores:
    """Read every store once."""
    of = sale(target)
    return Stores(
        {
            product: (
                _read(read.redis_stock(product, f"Redis' stock of {product}"), target),
                _read(read.database_stock(product, f"the database's stock of {product}"), target),
            )
            for product in (of.product, of.scarce)
        },
        _read(read.lag(target), target),
        _read(EndOffsets(topic=read.topic(target), name="orders ever sent to Kafka"), target),
    )


def _read(probe: Probe, target: Target) -> Reading:
    return read_once(probe.bind(target), _READ_WITHIN_S)


def _show(session: Session, seen: Stores) -> None:
    rows = []
    for product, (redis, kept) in seen.stocks.items():
        gap = f"{seen.gaps[product]:g}" if product in seen.gaps else "not observed"
        rows.append((product, _told(redis), _told(kept), gap))
        for key, value in (("redis_stock", _told(redis)), ("database_stock", _told(kept)), ("gap", gap)):
            session.log_row(f"{key}_{product}", value)
    session.log_row("waiting_in_kafka", _told(seen.waiting))
    session.say(*table(rows, ("product", "Redis", "database", "gap"), disable_numparse=True))
    session.say(f"waiting in Kafka: {_told(seen.waiting)} of {_told(seen.came)} orders")


def _told(reading: Reading) -> str:
    return f"{reading.number:g}" if reading.number is not None else f"not observed: {reading.note or reading.kind}"


def _code(session: Session, seen: Stores) -> int:
    missing = f"; not observed: {'; '.join(seen.unread)}" if seen.unread else ""
    if seen.waiting.number != 0:
        told = f"{seen.waiting}: what waits in Kafka may be the gap{missing}"
        return _closed(session, EXIT_INCONCLUSIVE, f"it can't be told whether the stores agree: {told}")
    units = sum(map(abs, seen.gaps.values()))
    if units:
        told = f"the stores differ by {units:g} units; --mend gives Redis the database's{missing}"
        return _closed(session, EXIT_BROKE, told)
    if missing:
        return _closed(session, EXIT_INCONCLUSIVE, f"it can't be told whether the stores agree{missing}")
    return _closed(session, EXIT_HELD, "the stores agree")


def _closed(session: Session, code: int, told: str) -> int:
    session.log_row("result", told)
    session.say(told)
    return code


def _mend(session: Session, shown: Stores) -> int:
    if not any(shown.gaps.values()):
        return _code(session, shown)
    if shown.waiting.number != 0 or shown.came.number is None:
        raise Refused(f"nothing was set: orders may still wait in Kafka ({shown.waiting}; {shown.came})")
    keys = {f"product:{product}:stock": product for product, gap in shown.gaps.items() if gap}
    seen = {key: f"{shown.stocks[product][0].number:.0f}" for key, product in keys.items()}
    wanted = {key: f"{shown.stocks[product][1].number:.0f}" for key, product in keys.items()}
    what = "; ".join(f"{key} from {seen[key]} to {wanted[key]}" for key in keys)
    session.ask_leave("redis", f"set in Redis: {what}")
    _refuse_unrest(session, shown)
    session.log_row("setting", what)
    stock = read.redis_stock(next(iter(keys.values())), "stock").bind(session.target)
    if found := compare_and_set(stock.dsn, seen, wanted):
        session.log_row("not_set", found)
        raise Refused(f"nothing was set, since somebody sells: {found}")
    session.log_row("set", what)
    return _code(session, _after(session))


def _refuse_unrest(session: Session, shown: Stores) -> None:
    """What was shown must still be so after a time in which an order under way has come to its end."""
    quiet_s = max(_QUIET_S, 2 * float(session.target.fact("kafka_timeout_s", 0.0)))
    session.say(f"looking for {quiet_s:g} s whether somebody sells")
    until_s = clock.now_s() + quiet_s
    while True:
        now = look(session.target)
        if now.still != shown.still:
            raise Refused("nothing was set, since somebody sells: stocks or orders are not as they were shown")
        if clock.now_s() > until_s:
            return
        time.sleep(_LOOK_EVERY_S)


def _after(session: Session) -> Stores:
    seen = look(session.target)
    session.say("after it:")
    _show(session, seen)
    return seen


def _orders(session: Session, name: str, waiting: Reading) -> CheckResult:
    """What a run was told to be accepted, beside the rows that the database holds now. `waiting` was read before them:
    what waited in Kafka then may have no row yet."""
    folder = runs.find(name, Path(session.flags.reports))
    head = journal.read(folder / "journal.jsonl").first(EventName.RUN) or {}
    if (head.get("target") or {}).get("name") != session.target.name or not (folder / "history.csv").exists():
        raise Refused(f"{folder.name} is no run with a load on {session.target.name}")
    load, of = from_data(head["experiment"]).traffic.load, sale(session.target)
    rows = _read(read.keys(load.key_prefix, "keys", of.product, of.scarce), session.target)
    if rows.kind == "value" and not json.loads(str(rows.value)):
        result = Reporter("accepted orders are there").unknown(
            "none of that run is left: has a sale been opened since?"
        )
    else:
        now = replace(waiting, sent_s=inf, answered_s=inf)  # the run's clock may be that of before a reboot
        seen = journal.Record((_event(EventName.FINAL, rows), _event(EventName.READ, now)))
        result = exactly_once(Recorded(history.read(folder / "history.csv"), seen), drained=waiting.probe)
    session.log_row("run", folder.name)
    session.log_row("orders", f"{result.verdict}: {result.message}")
    session.say(f"orders of {folder.name}: {result.verdict}, {result.message}")
    return result


def _event(name: EventName, one: Reading) -> journal.Event:
    """A reading as a run's journal has it."""
    at = {"event": name, "sent": one.sent_s, "answered": one.answered_s}
    if name == EventName.READ:
        return {**at, "r": [[one.probe, one.kind, one.value, one.note]]}
    return {**at, "probe": one.probe, "kind": one.kind, "value": one.value, "note": one.note}
