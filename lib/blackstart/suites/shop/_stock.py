"""What the shop's experiments say of its inventory: which instances there are, and what was taken of which product."""

from blackstart.model.expect import Expectation, always
from blackstart.model.experiment import Check
from blackstart.model.target import Target
from blackstart.probes.sql import SqlScalar
from blackstart.suites.shop import readings as read


def instances(target: Target) -> list[str]:
    """The services whose name begins with `inventory`, in the order of their names."""
    return sorted(name for name, service in target.services.items() if name.startswith("inventory") and service.url)


def stays_healthy(service: str) -> Expectation:
    """It has all that it needs, all the time."""
    return always(
        read.ready(service).is_(200),
        name=f"{service.replace('-', '_')}_healthy",
        hint=f"{service} suffers for another: what does its health depend on?",
    )


def unreserved(prefix: str) -> SqlScalar:
    """How many of our load's orders are confirmed without stock, or cancelled with it; pending ones may have it. What
    was given back, by a change whose id is the reservation's and `:release`, nobody has."""
    given_back = "SELECT 1 FROM inventory_changes r WHERE r.id = t.id || ':release'"
    taken = f"SELECT t.id FROM inventory_changes t WHERE t.kind = 'reserve' AND NOT EXISTS ({given_back})"
    return SqlScalar(
        f"SELECT count(*) FROM orders o FULL JOIN ({taken}) AS c ON c.id = o.id "
        f"WHERE {read.begins('coalesce(o.id, c.id)', prefix)} "
        "AND o.status IS DISTINCT FROM 'pending' AND (o.status = 'confirmed') IS DISTINCT FROM (c.id IS NOT NULL)",
        name="unreserved",
    )


def reserved_as_confirmed() -> Check:
    """Every confirmed order has its stock, and no other has any."""
    return Check(
        "final_is",
        "reserved_as_confirmed",
        {"probe": "unreserved", "wanted": 0, "unless": "created", "unless_is": "[]"},
        hint="An order was confirmed without its stock, or stock was taken for none: is its id sent along?",
    )
