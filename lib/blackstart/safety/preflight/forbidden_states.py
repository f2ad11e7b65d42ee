"""Whether the target says of itself that it may be touched."""

import os

from blackstart.base.errors import Refused
from blackstart.model.plan import Plan
from blackstart.model.reading import Reading
from blackstart.probes.read import read_once
from blackstart.safety.preflight import guard_rails


def as_read(reading: Reading) -> str:
    """What was read, for a refusal."""
    return f"{reading.probe} is {reading.value if reading.kind == 'value' else f'{reading.kind}: {reading.note}'}"


def refuse_unfit(plan: Plan) -> None:
    """Refuse what is touched without leave, and a target that says of itself that it must not be (a LIVE mode)."""
    guard_rails.refuse(plan, os.environ.get("SSH_CONNECTION", ""))
    refuse_forbidden(plan)


def refuse_forbidden(plan: Plan) -> None:
    """Refuse a target that says of itself that it must not be touched, or that does not say."""
    for condition in plan.experiment.refuse_if:
        reading = read_once(condition.probe, 2.0)
        word = str(condition.wanted).lower()
        allowed = word in [item.lower() for item in plan.target.allow]
        if reading.kind not in ("value", "absent") and not allowed:
            raise Refused(
                f"{plan.target.name} ({plan.target.api}) can't be asked whether it may be touched: {as_read(reading)}. "
                "See that it is up and answers, or name the right one with --target or --api."
            )
        if condition.matches(reading) and not allowed:
            raise Refused(
                f"{plan.target.name}: {condition}. If that is meant, allow it by name in the target file: "
                f'allow = ["{word}"]'
            )
