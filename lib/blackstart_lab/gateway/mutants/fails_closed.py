"""Without Redis every request is refused, although the plan promises to let it through."""

from blackstart_lab.gateway.errors import CircuitOpen, LimiterUnavailable
from blackstart_lab.gateway.gate import REFUSED, Decision, Gate
from blackstart_lab.gateway.limiter import Verdict
from blackstart_lab.gateway.mutants import Mutant


class FailsClosed(Gate):
    """No count, no entry, whether Redis or the breaker said no."""

    def without_redis(self, why: str) -> Decision:
        return Decision(REFUSED, why=why)

    async def ask(self, api_key: str, path: str) -> Verdict:
        try:
            return await super().ask(api_key, path)
        except CircuitOpen as error:
            raise LimiterUnavailable(*error.args) from error


MUTANT = Mutant(
    summary="answers 503 to every request while Redis is away",
    experiment="redis-unavailable",
    must_fail=("fails_open",),
    parts={"gate": FailsClosed},
)
