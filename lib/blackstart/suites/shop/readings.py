"""The readings of a shop: what its services say of themselves, what waits for Kafka, and what came out of it."""

from blackstart.base.errors import BadTarget
from blackstart.model.target import Target
from blackstart.probes.http import HttpJson, HttpStatus
from blackstart.probes.kafka_lag import ConsumerLag
from blackstart.probes.metrics import Metric
from blackstart.probes.redis_value import RedisCommand
from blackstart.probes.sql import SqlScalar

LAG = "lag"
WAITING = "events_waiting"


def health(service: str = "order") -> HttpStatus:
    """200 while it answers at all."""
    return HttpStatus(f"{service}:/health", f"{_word(service)}_health")


def ready(service: str) -> HttpStatus:
    """200 while it has all that it needs, 503 otherwise."""
    return HttpStatus(f"{service}:/health/ready", f"{_word(service)}_ready")


def registered(service: str) -> HttpJson:
    """Whether the registry has taken it in since it began."""
    return HttpJson(f"{service}:/health/ready", "registered", f"{_word(service)}_registered")


def registry(service: str = "order") -> HttpJson:
    """`up` or `away`: whether the registry answered the service last."""
    return HttpJson(f"{service}:/health/ready", "registry", f"registry_of_{_word(service)}")


def address_age_s(of: str, service: str = "order") -> Metric:
    """How long ago the service has renewed the address of another, in seconds."""
    return Metric("shop_discovery_age_seconds", {"name": of}, path=f"{service}:/metrics", name=f"{_word(of)}_age_s")


def started(service: str) -> Metric:
    """When its process began, in seconds since the epoch: another value means a restart."""
    return Metric("process_start_time_seconds", path=f"{service}:/metrics", name=f"{_word(service)}_process_start")


def breaker(state: str) -> Metric:
    """1 while order's breaker around inventory is in this state, else 0."""
    labels = {"name": "inventory", "state": state}
    return Metric("shop_breaker_state", labels, path="order:/metrics", name=f"breaker_{state}")


def memory(service: str) -> Metric:
    """Bytes of memory that its process has."""
    return Metric("process_resident_memory_bytes", path=f"{service}:/metrics", name=f"{_word(service)}_memory")


def pending(prefix: str) -> SqlScalar:
    """How many orders of our load are neither confirmed nor cancelled."""
    return SqlScalar(f"SELECT count(*) FROM orders WHERE status = 'pending' AND {begins('id', prefix)}", name="pending")


def changed(prefix: str) -> SqlScalar:
    """The ids of our load's changes of stock that were made."""
    return _listed("id", begins("id", prefix), "changed", "inventory_changes")


def attempts(prefix: str) -> SqlScalar:
    """The change of each attempt of our load that ended, as the audit has it."""
    ended = f"outcome <> 'attempted' AND {begins('change_id', prefix)}"
    return _listed("change_id", ended, "attempts", "inventory_audit")


def products(prefix: str) -> SqlScalar:
    """The ids of our load's products that are there."""
    return _listed("id", begins("id", prefix), "products", "products")


def left(product: str) -> SqlScalar:
    """What is left of a product."""
    return SqlScalar(f"SELECT quantity FROM inventory WHERE product_id = {quoted(product)}", name="left")


def twice_won(prefix: str) -> SqlScalar:
    """How many of our load's changes have not exactly one winner in the audit."""
    won = "SELECT count(*) FROM inventory_audit a WHERE a.change_id = c.id AND a.outcome = 'won'"
    return SqlScalar(
        f"SELECT count(*) FROM inventory_changes c WHERE {begins('c.id', prefix)} AND ({won}) <> 1", name="twice_won"
    )


def out_of_turn(product: str) -> SqlScalar:
    """How often a product's stock was written with an older token than it had been written with."""
    turns = "SELECT token, max(token) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS newest FROM inventory_audit"
    won = f"WHERE outcome = 'won' AND product_id = {quoted(product)}"
    return SqlScalar(f"SELECT count(*) FROM ({turns} {won}) AS turn WHERE token < newest", name="out_of_turn")


def stale(product: str) -> SqlScalar:
    """How many attempts at a product were refused for an old token."""
    which = f"outcome = 'stale' AND product_id = {quoted(product)}"
    return SqlScalar(f"SELECT count(*) FROM inventory_audit WHERE {which}", name="stale")


def waiting() -> Metric:
    """How many events order keeps that Kafka has not got yet."""
    return Metric("shop_queue_depth", path="order:/metrics", name=WAITING)


def replayed() -> Metric:
    """How many events Kafka got later than at first, since order began."""
    return Metric("shop_events_replayed_total", path="order:/metrics", name="events_replayed")


def lag(target: Target) -> ConsumerLag:
    """How many order events wait in Kafka for their consumer, whether or not there is one."""
    return ConsumerLag(topic=topic(target), group=_kafka(target).get("group", "event-consumer"), name=LAG)


def topic(target: Target) -> str:
    """Where order events are, as the target's [kafka] says."""
    return _kafka(target).get("topic", "order-events")


def _kafka(target: Target) -> dict[str, str]:
    table = dict(target.routes.get("kafka", {}))
    if set(table) - {"topic", "group"} or not all(isinstance(name, str) and name for name in table.values()):
        raise BadTarget(
            f'target "{target.name}", [kafka]: it takes topic = "order-events" and group = "event-consumer"'
        )
    return table


def created(prefix: str, name: str = "created") -> SqlScalar:
    """The orders of our load of which an OrderCreated was written, each as often as one was."""
    return _listed("correlation_id", f"event_type = 'OrderCreated' AND {begins('correlation_id', prefix)}", name)


def written(prefix: str, name: str = "written") -> SqlScalar:
    """The ids of the events that begin so, each as often as it was written."""
    return _listed("event_id", begins("event_id", prefix), name)


def written_count(prefix: str, name: str = "written_count") -> SqlScalar:
    """How many events that begin so are written."""
    return SqlScalar(f"SELECT count(*) FROM processed_events WHERE {begins('event_id', prefix)}", name=name)


def untold(prefix: str) -> SqlScalar:
    """How many of our load's orders are pending still, or confirmed and nobody has told of them: none of their events
    was written, or only a part. Without a load it never rises again: what is told of was decided before."""
    # Each table is read once, whatever it is indexed by and however much of other times it holds.
    told = (
        "SELECT correlation_id, count(DISTINCT event_type) AS kinds FROM processed_events WHERE "
        f"{begins('correlation_id', prefix)} AND event_type IN ('OrderCreated', 'InventoryReserved') GROUP BY 1"
    )
    return SqlScalar(
        f"SELECT count(*) FROM orders o LEFT JOIN ({told}) e ON e.correlation_id = o.id WHERE {begins('o.id', prefix)} "
        "AND (o.status = 'pending' OR o.status = 'confirmed' AND coalesce(e.kinds, 0) < 2)",
        name="untold",
    )


def out_of_order(prefix: str) -> SqlScalar:
    """How many of our load's orders had another event written before their OrderCreated."""
    first = "min(position) FILTER (WHERE event_type {} 'OrderCreated')"
    return SqlScalar(
        "SELECT count(*) FROM (SELECT 1 FROM processed_events "
        f"WHERE {begins('correlation_id', prefix)} GROUP BY correlation_id "
        f"HAVING {first.format('<>')} < coalesce({first.format('=')}, 'infinity'::float8)) AS late",
        name="out_of_order",
    )


def placed(prefix: str) -> SqlScalar:
    """How many orders of our load are in the database."""
    return SqlScalar(f"SELECT count(*) FROM orders WHERE {begins('id', prefix)}", name="placed")


def database(service: str = "postgres") -> SqlScalar:
    """What the database there calls itself: the identifier of its cluster and its own name."""
    own = "SELECT system_identifier::text || '/' || current_database() FROM pg_control_system()"
    return SqlScalar(own, service, f"{_word(service)}_name")


def redis(service: str = "redis") -> RedisCommand:
    """The id that the Redis there has had since it began."""
    return RedisCommand(("INFO", "server"), service, "run_id", name=f"{_word(service)}_run_id")


def store_of(service: str, store: str) -> HttpJson:
    """The database, or the Redis, that a service reaches, as that calls itself."""
    return HttpJson(f"{service}:/health/ready", store, name=f"{store}_of_{_word(service)}")


def _listed(what: str, which: str, name: str, table: str = "processed_events") -> SqlScalar:
    return SqlScalar(f"SELECT coalesce(json_agg({what}), '[]')::text FROM {table} WHERE {which}", name=name)


def quoted(text: str) -> str:
    """As a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def begins(column: str, prefix: str) -> str:
    """As SQL: that the column's text begins so."""
    return f"starts_with({column}, {quoted(prefix)})"


def _word(service: str) -> str:
    return service.replace("-", "_")
