"""Redis goes away under an API that does not mind. HOW says what comes of it, and what goes wrong quotes passwords."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from blackstart.base.codec import plain
from blackstart.faults.stop import Stop
from blackstart.loads import K6, OpenLoop, Operation, constant
from blackstart.model.change import Change
from blackstart.model.expect import Conditions, eventually
from blackstart.model.experiment import Experiment, Traffic
from blackstart.model.flags import Flags
from blackstart.model.reading import Answer
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes.http import HttpJson, HttpStatus
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.sql import SqlScalar


@plain
class Exploding(Conditions):
    """A probe with a mistake in it."""

    name: str = "exploding"

    def bind(self, target: Target) -> Exploding:
        return self

    def endpoint(self) -> Any:
        raise RuntimeError(f"no such thing: {os.environ['REDIS_URL']} nor {os.environ['PLANTED_KEY']}")

    def pick(self, answer: Answer) -> Any:
        raise NotImplementedError


@plain
class Failing(Stop):
    """Fails halfway, with the words of a driver."""

    how: str = ""

    def plan(self, target: Target) -> tuple[Change, ...]:
        service = target.services["redis"]
        if self.how == "explode":
            raise RuntimeError(f"could not connect to {service.dsn} with {os.environ['PLANTED_KEY']}")
        (change,) = Stop(self.service).plan(target)
        if self.how == "crash":
            return (replace(change, bites=(Exploding().is_(1),)),)
        words = f'echo "cannot use {service.dsn} or $REDIS_URL or $PLANTED_KEY" >&2; exit 3'
        return (replace(change, do=(*change.do, Command(("sh", "-c", words)))),)


def _load(target: Target) -> Any:
    if os.environ.get("K6_SCRIPT"):
        return K6(os.environ["K6_SCRIPT"], env={"K6_TOKEN": os.environ["PLANTED_K6"], "KEY": "env:PLANTED_KEY"})
    headers = dict(target.routes["orders"]["headers"])
    order = Operation(name="order", url="/orders", method="POST", headers=headers, body='{"k": "{key}"}')
    return OpenLoop((order,), constant(20))


def experiment(target: Target, flags: Flags, variant: str) -> Experiment:
    how = os.environ["HOW"]
    ready, ping = HttpStatus("/ready", name="ready"), RedisPing("redis", name="ping")
    echoes = [HttpJson("/ready", f"headers.{name}", name=name) for name in ("Authorization", "X-Ops-Key", "X-Other")]
    fault = Failing("redis", how) if how in ("explode", "crash", "fail") else Stop("redis")
    return Experiment(
        "planted",
        "planted",
        "Nobody minds.",
        baseline=(eventually(ready.is_(418 if how == "refuse" else 200)),),
        faults=(fault,),
        during=(
            eventually(ready.is_(503), within_s=1.0, name="answers")
            if how == "break"
            else eventually(ready.is_(200), within_s=10.0, name="answers"),
            eventually(ping.silent(), within_s=5),
        ),
        recovery=(eventually(ping.is_one_of("PONG", "NOAUTH"), within_s=20),),
        watch=(*echoes, SqlScalar("SELECT 1", "postgres", name="sql")),
        traffic=None if how == "refuse" else Traffic(_load(target)),
        hold_min_s=float(os.environ.get("HOLD_S", "0.5")),
        settle_s=0.1,
    )
