"""A real load against a real server that binds keys: its answers have an order where it does so one at a time, whatever
answers were lost; and none where it looks first and binds later, forgets, or takes other parameters for the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from aiohttp import web

from blackstart.evidence.history import History
from blackstart.evidence.journal import Record
from blackstart.loads import Burst, Load, OpenLoop, Operation, Retry, Summary, constant
from blackstart.verdict.checks.linearizable import linearizable
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.contract.loads_support import played

BODY, OTHER = '{"sku": "A-1"}', '{"sku": "B-2"}'


class Binder:
    """`POST /sessions` with an Idempotency-Key: 201 and a new id, 200 and the same one, 409 for another body."""

    def __init__(self, flaw: str) -> None:
        self.flaw, self.bound, self.asked, self.made = flaw, dict[str, tuple[str, str]](), count(1), count(1)

    async def open(self, request: web.Request) -> web.Response:
        key, body, number = request.headers["Idempotency-Key"], await request.text(), next(self.asked)
        known = self.bound.get(key)
        if self.flaw == "race":
            await asyncio.sleep(0.02)
        if self.flaw == "forgets" and number % 7 == 0:
            known = None
        if known is None:
            known = self.bound[key] = (body, f"s-{next(self.made)}")
            answer = web.json_response({"id": known[1]}, status=201)
        elif known[0] != body and self.flaw != "ignores":
            answer = web.json_response({}, status=409)
        else:
            answer = web.json_response({"id": known[1]})
        if number % 5 == 0 and self.flaw != "forgets":
            assert request.transport
            request.transport.abort()  # it was done, and nobody is told
        return answer


@contextmanager
def binder(flaw: str) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    started: list[web.AppRunner] = []

    async def start() -> str:
        app = web.Application()
        app.add_routes([web.post("/sessions", Binder(flaw).open)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    finally:
        asyncio.run_coroutine_threadsafe(started[0].cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def asked(url: str, name: str = "open", body: str = BODY) -> Operation:
    headers = {"Idempotency-Key": "{key}"}
    return Operation(name, f"{url}/sessions", "POST", headers=headers, body=body, detail_from="json:id")


def judged(summary: Summary, history: History) -> CheckResult:
    load = {"event": "load", "summary": summary.to_data()}
    return linearizable(Recorded(history, Record((load,))), model="idempotency")


def steady(url: str) -> Load:
    retry = Retry(times=4, after_s=0.02, acknowledged_every=2, twice_every=3)
    return OpenLoop((asked(url),), constant(60, 2.0), retry=retry)


@pytest.mark.parametrize(("flaw", "verdict"), [("", "held"), ("race", "broke"), ("forgets", "broke")])
def test_retries_of_lost_answers_have_an_order_where_keys_are_bound_at_once(
    tmp_path: Path, flaw: str, verdict: str
) -> None:
    with binder(flaw) as url:
        summary, history = played(steady(url), tmp_path / "history.csv")
    result = judged(summary, history)
    assert result.verdict == verdict, result
    assert flaw == "forgets" or history.one("select count(*) from requests where outcome = 'info'") > (0,)
    assert "contradict each other" in result.message or flaw == ""


@pytest.mark.parametrize(("flaw", "verdict"), [("", "held"), ("race", "broke")])
def test_a_burst_of_one_key_has_one_creation(tmp_path: Path, flaw: str, verdict: str) -> None:
    with binder(flaw) as url:
        result = judged(*played(Burst(200, asked(url), same_key=True), tmp_path / "history.csv"))
    assert result.verdict == verdict, result
    assert flaw or "1 of them with overlapping operations" in result.actual


@pytest.mark.parametrize(("flaw", "verdict"), [("", "held"), ("ignores", "broke")])
def test_other_parameters_under_the_same_key_are_a_conflict(tmp_path: Path, flaw: str, verdict: str) -> None:
    first, others = (
        Burst(9, asked("", name, body), name=name, key_prefix="k-1", same_key=True)
        for name, body in (("open", BODY), ("open_other", OTHER))
    )
    with binder(flaw) as url:
        played(first.at(url), tmp_path / "history.csv")
        summary, history = played(others.at(url), tmp_path / "history.csv")
    result = judged(summary, history)
    assert result.verdict == verdict, result
    assert (": same s-1" in result.message and "open_other" in result.message) or not flaw
