"""The flash sale's stores are compared, and Redis is set only where nothing moves; whatever can't be read is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.codec import to_data
from blackstart.base.errors import Refused
from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.model.flags import Flags
from blackstart.model.reading import Reading
from blackstart.model.target import Service, Target
from blackstart.suites import systems
from blackstart.suites.flash_sale import reconcile, worker_crash
from blackstart.suites.flash_sale.reconcile import Stores
from tests.unit.verdict.checks.rows import row

SALE = Target(
    "mine", "flash-sale", "http://127.0.0.1:1", services={"redis": Service("redis", dsn="redis://127.0.0.1:6379/0")},
    system=systems.of("flash-sale"),
)  # fmt: skip


@dataclass
class Asked:
    """A session that answers as the test says, and keeps what it was told."""

    mend: bool = False
    run: str | None = None
    leave: bool = True
    said: list[str] = field(default_factory=list)
    noted: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    target: Target = SALE
    flags: Flags = field(default_factory=Flags)

    @property
    def options(self) -> dict[str, Any]:
        return {"mend": self.mend, "run": self.run}

    def say(self, *lines: str) -> None:
        self.said += lines

    def log_row(self, key: str, value: object) -> None:
        self.noted[key] = str(value)

    def ask_leave(self, service: str, what: str) -> None:
        self.left.append(f"{service}: {what}")
        if not self.leave:
            raise Refused("the operator did not say yes")


def number(value: int | None) -> Reading:
    if value is None:
        return Reading("stock", "unreachable", 0, 1, None, "connection refused")
    return Reading("stock", "value", 0, 1, value)


def stores(redis: int | None, kept: int | None, waiting: int | None = 0, came: int | None = 50) -> Stores:
    return Stores({"chaos-sale": (number(redis), number(kept))}, number(waiting), number(came))


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was set; nothing is."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(reconcile, "compare_and_set", lambda *how: calls.append(how) or "")
    monkeypatch.setattr(reconcile, "_QUIET_S", 0.05)
    monkeypatch.setattr(reconcile, "_LOOK_EVERY_S", 0.01)
    return calls


def seeing(monkeypatch: pytest.MonkeyPatch, *looks: Stores) -> None:
    """Each look sees the next of them, the last one for ever."""
    left = list(looks)
    monkeypatch.setattr(reconcile, "look", lambda target: left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize(
    ("seen", "code", "says"),
    [
        (stores(93, 93), 0, "the stores agree"),
        (stores(86, 93), 20, "differ by 7 units"),
        (stores(95, 93), 20, "differ by 2 units"),
        (stores(86, 93, waiting=7), 30, "stock was 7: what waits in Kafka may be the gap"),
        (stores(None, 93), 30, "connection refused"),
        (stores(93, None), 30, "connection refused"),
        (stores(93, 93, waiting=None), 30, "connection refused"),
    ],
)
def test_what_the_stores_say_is_shown_and_nothing_is_touched(
    monkeypatch: pytest.MonkeyPatch, written: list[Any], seen: Stores, code: int, says: str
) -> None:
    seeing(monkeypatch, seen)
    asked = Asked()
    assert reconcile.command(asked) == code and says in asked.said[-1] and says in asked.noted["result"]
    assert not written and not asked.left


def test_on_request_redis_gets_the_databases_stock_and_is_read_again(
    monkeypatch: pytest.MonkeyPatch, written: list[Any]
) -> None:
    monkeypatch.setattr(reconcile, "look", lambda target: stores(93 if written else 86, 93))
    asked = Asked(mend=True)
    assert reconcile.command(asked) == 0
    key = "product:chaos-sale:stock"
    assert written == [("redis://127.0.0.1:6379/0", {key: "86"}, {key: "93"})]
    assert asked.left == [f"redis: set in Redis: {key} from 86 to 93"] and asked.noted["set"] == f"{key} from 86 to 93"
    assert asked.noted["redis_stock_chaos-sale"] == "93"


def test_what_was_set_and_does_not_agree_afterwards_is_no_success(
    monkeypatch: pytest.MonkeyPatch, written: list[Any]
) -> None:
    monkeypatch.setattr(reconcile, "look", lambda target: stores(92 if written else 86, 93))
    assert reconcile.command(Asked(mend=True)) == 20


@pytest.mark.parametrize("then", [stores(85, 93), stores(86, 92), stores(86, 93, came=51), stores(86, 93, waiting=1)])
def test_nothing_is_set_while_somebody_sells(monkeypatch: pytest.MonkeyPatch, written: list[Any], then: Stores) -> None:
    seeing(monkeypatch, stores(86, 93), stores(86, 93), then)
    with pytest.raises(Refused, match="somebody sells"):
        reconcile.command(Asked(mend=True))
    assert not written


@pytest.mark.parametrize("seen", [stores(86, 93, waiting=7), stores(86, 93, waiting=None), stores(86, 93, came=None)])
def test_what_may_still_come_or_was_not_read_is_not_mended(
    monkeypatch: pytest.MonkeyPatch, written: list[Any], seen: Stores
) -> None:
    seeing(monkeypatch, seen)
    with pytest.raises(Refused):
        reconcile.command(Asked(mend=True))
    assert not written


def test_a_product_that_can_not_be_compared_is_left_alone_and_keeps_the_others_from_being_called_whole(
    monkeypatch: pytest.MonkeyPatch, written: list[Any]
) -> None:
    def both(target: Target) -> Stores:
        known, unread = stores(93 if written else 86, 93), stores(40, None)
        return Stores({**known.stocks, "chaos-sale-last": unread.stocks["chaos-sale"]}, known.waiting, known.came)

    monkeypatch.setattr(reconcile, "look", both)
    assert reconcile.command(Asked()) == 20
    assert reconcile.command(Asked(mend=True)) == 30
    assert [list(seen) for _, seen, _ in written] == [["product:chaos-sale:stock"]]


def test_without_leave_and_without_a_gap_nothing_is_set(monkeypatch: pytest.MonkeyPatch, written: list[Any]) -> None:
    seeing(monkeypatch, stores(86, 93))
    with pytest.raises(Refused, match="did not say yes"):
        reconcile.command(Asked(mend=True, leave=False))
    seeing(monkeypatch, stores(93, 93))
    agreed = Asked(mend=True)
    assert reconcile.command(agreed) == 0
    assert not written and not agreed.left


def test_a_unit_that_is_sold_at_the_last_moment_refuses_it(monkeypatch: pytest.MonkeyPatch, written: list[Any]) -> None:
    seeing(monkeypatch, stores(86, 93))
    monkeypatch.setattr(reconcile, "compare_and_set", lambda *how: "the stock is 85, not 86")
    asked = Asked(mend=True)
    with pytest.raises(Refused, match="nothing was set, since somebody sells: the stock is 85"):
        reconcile.command(asked)
    assert asked.noted["not_set"] and "set" not in asked.noted


@pytest.mark.parametrize(
    ("there", "waiting", "code", "says"),
    [
        (5, 0, 0, "5 acknowledged, 5 of them there"),
        (3, 0, 20, "2 acknowledged but not there"),
        (3, 2, 30, "2 acknowledged are not there yet"),
        (0, 0, 30, "none of that run is left: has a sale been opened since?"),
    ],
)
def test_orders_of_a_run_that_wait_or_were_cleared_accuse_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, there: int, waiting: int, code: int, says: str
) -> None:
    drill = worker_crash.experiment(SALE, Flags())
    folder = tmp_path / "worker_crash"
    folder.mkdir()
    record = journal.Journal(folder / "journal.jsonl")
    record.write(EventName.RUN, target={"name": "mine"}, experiment=to_data(drill))
    record.close()
    with HistoryWriter(folder / "history.csv") as writer:
        for n in range(5):
            writer.append(row(f"k{n}", status=200))
    keys = Reading("keys", "value", 2, 3, str([f"k{n}" for n in range(there)]).replace("'", '"'))
    lag = Reading("lag", "value", 0, 1, waiting)
    seeing(monkeypatch, Stores({"chaos-sale": (number(93), number(93))}, lag, number(50)))
    monkeypatch.setattr(reconcile, "_read", lambda probe, target: keys)
    asked = Asked(run="worker_crash", flags=Flags(reports=str(tmp_path)))
    assert reconcile.command(asked) == code and says in asked.noted["orders"]
