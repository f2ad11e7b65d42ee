"""Redis is asked past the breaker: while it is open, too."""

from blackstart_lab.gateway.errors import CircuitOpen
from blackstart_lab.gateway.gate import Gate
from blackstart_lab.gateway.limiter import Verdict
from blackstart_lab.gateway.mutants import Mutant


class PastTheBreaker(Gate):
    """Takes the breaker's refusal for a hint."""

    async def ask(self, api_key: str, path: str) -> Verdict:
        try:
            return await super().ask(api_key, path)
        except CircuitOpen:
            return await self.limiter.ask(api_key, path)


MUTANT = Mutant(
    summary="goes on asking Redis while its breaker is open",
    experiment="redis-unavailable",
    must_fail=("no_call_while_open",),
    may_fail=("latency_under_50ms",),
    parts={"gate": PastTheBreaker},
)
