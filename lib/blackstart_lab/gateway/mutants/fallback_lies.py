"""The fallback answers 200 with an error inside, and asks nobody."""

from blackstart_lab.gateway.gate import REFUSED, Decision, Gate
from blackstart_lab.gateway.mutants import Mutant


class FallbackLies(Gate):
    """A status for the dashboards."""

    async def decide(self, api_key: str, path: str) -> Decision:
        decision = await super().decide(api_key, path)
        if decision.mode == "bypassed":
            return Decision(REFUSED, why="service temporarily unavailable", status=200)
        return decision


MUTANT = Mutant(
    summary="answers 200 with an error body instead of a fallback or 503",
    experiment="redis-latency",
    must_fail=("answers_503_or_fallback",),
    parts={"gate": FallbackLies},
)
