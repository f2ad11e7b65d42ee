"""What a target says of its broker, for the drills that need one; without it they say which lines to write."""

from collections.abc import Mapping
from typing import Any

from blackstart.base.errors import BadTarget, NotShown, did_you_mean
from blackstart.model.experiment import Check
from blackstart.model.reading import Probe
from blackstart.model.target import Target
from blackstart.probes.http import HttpJson
from blackstart.probes.sql import SqlScalar

TOKEN_BACKOFF, STREAM_BACKOFF = "token_backoff_s", "stream_backoff_s"
TICKS_TOLD_BY = ("ticks_table", "ticks_number_column", "database")
"""What a target must say for the ticks that it has to be read."""
_ROUTES = {
    "refuse_tokens": "a POST: tokens are refused, and none is issued",
    "accept_tokens": "a POST: takes that back, and does nothing where tokens are accepted",
    "status": "JSON: refusing, orders, refused, token_requests, last_tick",
    "orders": "JSON: its book, the newest first",
}
_STREAM = """[services.marketdata]
address = "localhost:9001"       # where the fault proxy listens on the way to the stream
dsn = "http://localhost:9001"
proxy_name = "marketdata"        # and proxy = "http://localhost:8474" at the top of the file"""
_LAB = "In the lab on this machine: invoke lab.up trader --broker"


def broker(target: Target, drill: str) -> Mapping[str, str]:
    """The routes of [broker] as URLs. Raises NotShown where there is no broker, BadTarget for a table that is not
    valid."""
    table: Mapping[str, Any] = target.routes.get("broker", {})
    for key, route in table.items():
        if key not in _ROUTES or not isinstance(route, str):
            why = "must be a route" if key in _ROUTES else f"unknown key.{did_you_mean(key, _ROUTES)}"
            raise BadTarget(f'target "{target.name}", [broker] {key}: {why}')
    if "broker" not in target.services or not _ROUTES.keys() <= table.keys():
        lines = [f'{key} = "broker:/…"{" " * (14 - len(key))} # {says}' for key, says in _ROUTES.items()]
        shown = "\n".join(('[services.broker]\nurl = "http://localhost:9000"', "[broker]", *lines))
        raise NotShown(f"{drill} needs a broker, and {target.name} names none. In its target file:\n{shown}\n{_LAB}")
    return {key: target.url(str(route)) for key, route in table.items()}


def need_stream(target: Target, drill: str) -> None:
    """Raises NotShown where no fault proxy is on the way to the stream of market data."""
    if not target.proxy or "marketdata" not in target.services or not target.service("marketdata").proxy_name:
        raise NotShown(
            f"{drill} needs the fault proxy on the way to the market data, and {target.name} names none. In its target "
            f"file:\n{_STREAM}\n{_LAB}"
        )


def at_broker(routes: Mapping[str, str], field: str) -> HttpJson:
    """A field of the broker's status."""
    return HttpJson(routes["status"], field, name=f"broker_{field}")


def newest_order_is(routes: Mapping[str, str]) -> tuple[Probe, Probe]:
    """The key of the newest order in the broker's book, and at the API."""
    where = "orders.0.client_order_id"
    shown = HttpJson("/orders?limit=1", where, name="newest_key_shown")
    return HttpJson(routes["orders"], where, name="newest_key_at_broker"), shown


def ticks(target: Target) -> tuple[Probe, ...]:
    """`newest_tick`, and `missing_ticks` below it, in the database; nothing where that can't be asked."""
    named = [str(target.fact(fact, "")) for fact in TICKS_TOLD_BY[:2]]
    if "postgres" not in target.services or not target.service("postgres").dsn or not all(named):
        return ()
    table, number = (".".join(f'"{part}"' for part in name.split(".")) for name in named)
    missing = f"SELECT coalesce(max({number}) - min({number}) + 1 - count(DISTINCT {number}), 0) FROM {table}"
    return (
        SqlScalar(f"SELECT max({number}) FROM {table}", name="newest_tick"),
        SqlScalar(missing, name="missing_ticks"),
    )


def backs_off(target: Target, name: str, counter: str, fact: str, hint: str) -> Check:
    """Attempts come further and further apart, as the target declares; one that declares nothing can't be measured."""
    if fact not in target.facts:
        told = {"facts": [f"{fact} (the waits between its attempts)"], "expected": "attempts come further apart"}
        return Check("undeclared_fact", name, told, criterion=False)
    params = {
        "counter": counter,
        "backoff_s": tuple(float(step) for step in target.facts[fact]),
        "jitter_s": float(target.fact("backoff_jitter_s", 0.5)),
        "refresh_s": 0.0,
    }
    return Check("gaps_grow", name, params, hint=hint)


def backoff_shows_s(target: Target, fact: str) -> float:
    """How long a fault must be held for four attempts to be seen."""
    steps = [float(step) for step in target.fact(fact, (1, 2, 4))]
    return sum(steps[:4]) + 4 * float(target.fact("backoff_jitter_s", 0.5)) + 0.5


def answer_s(target: Target) -> float:
    """How long an order may take that waits for the database and for the broker."""
    return float(target.fact("db_timeout_s", 2.0)) + float(target.fact("broker_timeout_s", 2.0))
