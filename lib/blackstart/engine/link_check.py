"""Before anything is touched: is each service the target's own?"""

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
        proofs = [proof.bind(plan.target) for proof in plan.experiment.link if proof.service == service]
        missing = _first_proved(proofs) if proofs else "this experiment knows no way to prove it"
        if not missing:
            observer.note(EventName.LINKED, service=service)
            continue
        if flags.assume_link:
            observer.note(EventName.LINK_ASSUMED, service=service, missing=missing)
            console.say(f"ASSUMED, not proved, that {service} is {plan.target.name}'s own: {missing}")
            continue
        question = f"No proof that {service} belongs to {plan.target.name} ({missing}). Touch it all the same?"
        if console.interactive and console.ask(question):
            observer.note(EventName.LINK_CONFIRMED, service=service, missing=missing)
            continue
        raise Refused(
            f"no proof that {service} is the one that {plan.target.name} uses: {missing}. "
            "Check the addresses, or say --assume-link."
        )
    refuse_forbidden(plan)


def _first_proved(proofs: list[Proof]) -> str:
    """Empty as soon as one way proves it; a value may be just changing, so each gets a few tries."""

    def attempt() -> str:
        told = []
        for proof in proofs:  # one is enough: some look at every socket of the machine
            told.append(proof.missing())
            if not told[-1]:
                return ""
        return "; ".join(told)

    retrying = Retrying(
        stop=stop_after_delay(_WITHIN_S),
        wait=wait_fixed(0.2),
        retry=retry_if_result(bool),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else "nothing was read",
    )
    return str(retrying(attempt))
