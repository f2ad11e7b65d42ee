"""Before anything is touched: is each service the target's own?"""

from collections.abc import Sequence

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from blackstart.base.console import Console
from blackstart.base.errors import Refused
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.model.flags import Flags
from blackstart.model.link import Proof
from blackstart.model.plan import Plan
from blackstart.safety.preflight.forbidden_states import refuse_forbidden

_WITHIN_S = 5.0


def prove(plan: Plan, flags: Flags, observer: Observer, console: Console) -> None:
    """Prove the link of every service that will be touched. Raises Refused where there is no proof and no consent, and
    where the target has come into a state meanwhile in which it must not be touched: the baseline takes its time, and
    an operator may think for minutes."""
    for service in plan.services:
        proofs = [proof for proof in plan.experiment.link if proof.service == service]
        event, missing = leave(service, proofs, plan, flags, console)
        if missing:
            observer.note(event, service=service, missing=missing)
        else:
            observer.note(event, service=service)
    refuse_forbidden(plan)


def leave(service: str, proofs: Sequence[Proof], plan: Plan, flags: Flags, console: Console) -> tuple[EventName, str]:
    """What lets a service be touched: a proof, or the operator's word beforehand or now; and the proof that is missing
    then. Raises Refused where there is neither."""
    bound = [proof.bind(plan.target) for proof in proofs]
    missing = first_proved(bound) if bound else "this experiment knows no way to prove it"
    if not missing:
        return EventName.LINKED, ""
    if flags.assume_link:
        console.say(f"ASSUMED, not proved, that {service} is {plan.target.name}'s own: {missing}")
        return EventName.LINK_ASSUMED, missing
    question = f"No proof that {service} belongs to {plan.target.name} ({missing}). Touch it all the same?"
    if console.interactive and console.ask(question):
        return EventName.LINK_CONFIRMED, missing
    raise Refused(
        f"no proof that {service} is the one that {plan.target.name} uses: {missing}. "
        "Check the addresses, or say --assume-link."
    )


def first_proved(proofs: Sequence[Proof], within_s: float = _WITHIN_S) -> str:
    """Empty as soon as one way proves it; a value may be just changing, so each gets a few tries. They are bound."""

    def attempt() -> str:
        told = []
        for proof in proofs:  # one is enough: some look at every socket of the machine
            told.append(proof.missing())
            if not told[-1]:
                return ""
        return "; ".join(told)

    retrying = Retrying(
        stop=stop_after_delay(within_s),
        wait=wait_fixed(0.2),
        retry=retry_if_result(bool),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else "nothing was read",
    )
    return str(retrying(attempt))
