"""Whether a request may pass: the limiter behind the breaker, and what is done without it."""

import logging
from dataclasses import dataclass

from blackstart_lab.gateway.breaker import Breaker
from blackstart_lab.gateway.errors import CircuitOpen, LimiterUnavailable
from blackstart_lab.gateway.limiter import FixedWindow, Verdict
from blackstart_lab.gateway.metrics import Metrics

log = logging.getLogger("gateway.limiter")

COUNTED, BYPASSED, REJECTED, REFUSED = "counted", "bypassed", "rejected", "refused"


@dataclass(frozen=True)
class Decision:
    """`mode` is counted (within the limit), bypassed (let through uncounted), rejected (429) or refused (503).

    `status` is that of a refusal.
    """

    mode: str
    verdict: Verdict | None = None
    why: str = ""
    status: int = 503


class Gate:
    """Fails open: a request whose limit can't be counted is let through, or refused at once if that was asked for."""

    def __init__(self, limiter: FixedWindow, breaker: Breaker | None, metrics: Metrics, on_open: str) -> None:
        self.limiter = limiter
        self.breaker = breaker
        self.metrics = metrics
        self.on_open = on_open

    async def decide(self, api_key: str, path: str) -> Decision:
        """Never raises for a Redis that is away."""
        try:
            verdict = await self.ask(api_key, path)
        except CircuitOpen as error:
            decision = Decision(REFUSED if self.on_open == "fail-fast" else BYPASSED, why=str(error))
        except LimiterUnavailable as error:
            log.error("Redis connection error: %s; limit of %s not counted", error, path)
            decision = self.without_redis(str(error))
        else:
            decision = Decision(COUNTED if verdict.allowed else REJECTED, verdict)
        self.metrics.decisions[decision.mode].inc()
        return decision

    def without_redis(self, why: str) -> Decision:
        """The answer when Redis was asked and did not answer."""
        return Decision(BYPASSED, why=why)

    async def ask(self, api_key: str, path: str) -> Verdict:
        """Ask the limiter if the breaker allows it. Raises CircuitOpen or LimiterUnavailable."""
        breaker = self.breaker
        if breaker is None:
            return await self.limiter.ask(api_key, path)
        permit = breaker.acquire()
        if permit is None:
            raise CircuitOpen(f"CircuitBreaker '{breaker.name}' is {breaker.state} and does not permit further calls")
        try:
            verdict = await self.limiter.ask(api_key, path)
        except LimiterUnavailable:
            breaker.record(permit, failed=True)
            raise
        except BaseException:
            breaker.give_back(permit)
            raise
        breaker.record(permit, failed=False)
        return verdict
