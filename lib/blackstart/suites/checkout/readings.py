"""The readings of a checkout: whether it answers, what it lacks, and which database and payment gateway are its own."""

from blackstart.probes.http import HttpJson, HttpStatus
from blackstart.probes.metrics import Metric
from blackstart.probes.sql import SqlScalar


def health() -> HttpStatus:
    """Status of /health at the API, as its clients reach it."""
    return HttpStatus("/health", "health")


def ready() -> HttpStatus:
    """200 while the API itself reaches its database and its payment gateway, 503 otherwise."""
    return HttpStatus("api:/ready", "ready")


def started() -> Metric:
    """When the API's process began, in seconds since the epoch: another value means a restart."""
    return Metric("process_start_time_seconds", path="api:/metrics", name="api_process_start")


def database_of_api() -> HttpJson:
    """The database that the API writes to, as PostgreSQL calls itself: `7312…/checkout`."""
    return HttpJson("api:/ready", "database", name="database_of_api")


def database() -> SqlScalar:
    """What the database at the target's dsn calls itself: the identifier of its cluster and its own name."""
    own = "SELECT system_identifier::text || '/' || current_database() FROM pg_control_system()"
    return SqlScalar(own, name="database")


def payments_of_api() -> HttpJson:
    """The instance of the payment gateway that the API reaches."""
    return HttpJson("api:/ready", "payments", name="payments_of_api")


def payments() -> HttpJson:
    """The instance that answers at the payment gateway's own url."""
    return HttpJson("payments:/health", "instance", name="payments")
