"""That database, payment gateway and API are the checkout's own, and the ones that their controls would touch.

The API says at /ready what it reaches: the identifier of its database and the instance of its payment gateway. Each is
asked directly, too, where drills look at it.
"""

from blackstart.model.link import Proof
from blackstart.model.target import Target
from blackstart.safety.preflight.link_proofs import AllOf, Listens, SameValue, ServedByControl
from blackstart.suites.checkout import readings as read


def links(target: Target) -> tuple[Proof, ...]:
    """For each service that there is. One with a control must also be what that control would touch."""
    named = target.services
    shown: dict[str, Proof] = {
        "postgres": SameValue("postgres", read.database(), read.database_of_api()),
        "payments": SameValue("payments", read.payments(), read.payments_of_api()),
    }
    proofs: list[Proof] = [
        Listens(name) for name, one in named.items() if one.url and one.control and name not in shown
    ]
    for name, proof in shown.items():
        if name in named and "api" in named:
            touched: Proof = Listens(name) if named[name].url else ServedByControl(name)
            proofs.append(AllOf(name, (touched, proof) if named[name].control else (proof,)))
    return tuple(proofs)
