"""That Redis and PostgreSQL are the trader's own, and the ones that their controls would touch.

Where a service runs in a container that we control, it is asked from inside of it; otherwise through its dsn. Together
with that goes the proof that dsn and address lead to what the control would stop: there its effect is looked for. Any
one of the proofs is enough.
"""

from collections.abc import Sequence

from blackstart import controls
from blackstart.base.errors import BlackstartError
from blackstart.model.expect import Condition
from blackstart.model.link import Proof
from blackstart.model.target import Target
from blackstart.probes.clients import TargetConnections
from blackstart.probes.http import HttpText
from blackstart.probes.in_container import RedisInContainer, SqlInContainer
from blackstart.probes.redis_value import RedisCommand
from blackstart.probes.sql import SqlScalar
from blackstart.safety.preflight.link_proofs import AllOf, KeysInDatabase, Listens, SameValue, SeenIn, ServedByControl
from blackstart.suites.trader._schema import TRIED, of_orders
from blackstart.suites.trader.readings import NOT_SHOWN, instance_id, mode, mode_shown

_CLIENTS = (
    "SELECT string_agg(host(client_addr) || ':' || client_port, ' ') FROM pg_stat_activity "
    "WHERE client_addr IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()"
)
_ORDERS = HttpText("/orders?limit=5", name="orders")


def _in_container(target: Target, service: str) -> bool:
    return controls.offers(target.service(service), lambda control: control.inside(()))


def is_in_container(target: Target, service: str) -> bool:
    """Whether the service is controlled as a container, and there is exactly one such container now."""
    if not _in_container(target, service):
        return False
    try:
        controls.of(target.service(service)).resolve()
    except BlackstartError:
        return False
    return True


def forbidding() -> tuple[Condition, ...]:
    """A trader in LIVE mode, or in one that it does not show, is not touched unless its target allows it by name.

    The real one shows its mode at /state always; where nothing is shown, nobody has said that it is not LIVE.
    """
    return (mode().is_("LIVE"), mode_shown().is_(NOT_SHOWN))


def links(target: Target, service: str = "") -> tuple[Proof, ...]:
    """That Redis and PostgreSQL are the target's own, and what their controls would touch; `service` is the leader."""
    return (
        *(redis_links(target, service) if "redis" in target.services else ()),
        *(postgres_links(target) if "postgres" in target.services else ()),
    )


def redis_links(target: Target, instance: str = "") -> tuple[Proof, ...]:
    """The lock key in that Redis holds the id of the leading `instance`, or the API's connections are its clients."""
    service = target.service("redis")
    key = ("GET", str(target.fact("lock_key", "trader:leader")))
    shown = instance_id(instance)
    proofs: list[Proof] = []
    if _in_container(target, "redis"):
        clients = TargetConnections(RedisInContainer(("CLIENT", "LIST")), name="connections in CLIENT LIST inside")
        inside = SameValue("redis", RedisInContainer(key, name="lock_key_inside"), shown)
        proofs += [inside, SeenIn("redis", clients.at_least(1))]
    if service.dsn or service.address:
        addresses = RedisCommand(("CLIENT", "LIST"), field="addr", name="CLIENT LIST")
        listed = TargetConnections(addresses, name="connections in CLIENT LIST")
        held = SameValue("redis", RedisCommand(key, name="lock_key"), shown)
        proofs += [held, SeenIn("redis", listed.at_least(1))]
    return _touched(target, "redis", proofs)


def postgres_links(target: Target) -> tuple[Proof, ...]:
    """The orders that the API shows are in that database, or the API's connections are its clients."""
    proofs: list[Proof] = []
    count = of_orders(target, "SELECT count(DISTINCT {key}) FROM {orders} WHERE {key}::text IN")
    if _in_container(target, "postgres"):
        clients = TargetConnections(SqlInContainer(_CLIENTS), name="connections in pg_stat_activity inside")
        inside = KeysInDatabase("postgres", _ORDERS, SqlInContainer(""), count)
        proofs += [inside, SeenIn("postgres", clients.at_least(1))]
    if target.service("postgres").dsn:
        listed = TargetConnections(SqlScalar(_CLIENTS), name="connections in pg_stat_activity")
        orders = KeysInDatabase("postgres", _ORDERS, SqlScalar(""), count)
        proofs += [orders, SeenIn("postgres", listed.at_least(1))]
    return _touched(target, "postgres", proofs)


def tried(target: Target) -> tuple[tuple[dict[str, str], Condition], ...]:
    """How the table of orders is called, and its columns: read of a table that has them, and numbers that can grow."""
    if "postgres" not in target.services:
        return ()
    dsn = target.service("postgres").dsn
    if not dsn and not _in_container(target, "postgres"):
        return ()
    query = of_orders(target, "SELECT (count({key}) >= 0 AND coalesce(max({number}), 0) >= 0)::int FROM {orders}")
    ask = SqlScalar if dsn else SqlInContainer
    return ((TRIED, ask(query, name="orders_schema").is_(1)),)


def app_links(service: str) -> tuple[Proof, ...]:
    """The instance that listens where the service's url leads is the one behind the target's API."""
    return (AllOf(service, (Listens(service), SameValue(service, instance_id(service), instance_id()))),)


def _touched(target: Target, service: str, proofs: Sequence[Proof]) -> tuple[Proof, ...]:
    """Each of them, of what the service's control would touch; a service without one is touched on its way alone."""
    if not target.service(service).control:
        return tuple(proofs)
    return tuple(AllOf(service, (ServedByControl(service), proof)) for proof in proofs)
