"""Fencing: once an order bears a leader's token, none with an older one may follow."""

from blackstart.verdict.checks.leaderships import of_run
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing


def tokens_grow(
    evidence: Recorded, reports: tuple[str, ...], used: str = "order_tokens", stale: str = "stale_tokens"
) -> CheckResult:
    """`used` is collected text with the tokens of all orders, `stale` with those of orders that came after a newer one.

    Only tokens of leaderships of this run count (`reports` as in leadership_disjoint): what was in the database before
    says nothing of it. Two of them must have been used: a single leader's tokens can't but grow.
    """
    report = Reporter("no order with an older token than one before it")
    try:
        ours = {one.token for one in of_run(evidence, reports)}
        seen, late = (_words(evidence, name) & ours for name in (used, stale))
    except Missing as missing:
        return report.unknown(str(missing))
    if late:
        return report.broke(f"orders came with the older token {_listed(late)}", _listed(late))
    if len(seen) < 2:
        known = f"only with the token {_listed(seen)}" if seen else "with none"
        return report.unknown(f"nothing to see: orders were placed {known} of the {len(ours)} leaderships of this run")
    return report.held(f"orders with the tokens {_listed(seen)}, none out of turn")


def _words(evidence: Recorded, probe: str) -> set[str]:
    reading = evidence.final(probe)
    if reading is None or reading.kind != "value":
        seen = f"{reading.kind}: {reading.note}" if reading else "never collected"
        raise Missing(f"not observable: {probe} was {seen}")
    return set(str(reading.value).split())


def _listed(tokens: set[str]) -> str:
    return ", ".join(sorted(tokens, key=lambda token: (len(token), token)))
