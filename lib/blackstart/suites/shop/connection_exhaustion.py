"""PostgreSQL has no connection left. Orders fail fast and say why, health tells it, and all recovers on release."""

from blackstart.faults.connection_exhaustion import ConnectionExhaustion
from blackstart.model.expect import Expectation, eventually
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.shop import _orders as common
from blackstart.suites.shop import _stock as stock
from blackstart.suites.shop import readings as read

BEYOND_S = 6.0
_UNAVAILABLE = "DATABASE_UNAVAILABLE"


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """All connections that the server gives are held, and those that pools have are ended and taken, too."""
    services = ("order", *stock.instances(target))
    noticed_s = float(target.fact("db_timeout_s", 2.0)) + BEYOND_S
    return common.plain(
        target,
        "connection-exhaustion",
        "Without a connection to be had orders fail fast and clearly, health says so, and all recover on release.",
        broke="Connections taken",
        mended="Connections released",
        faults=(ConnectionExhaustion("postgres", evict=True),),
        during=tuple(_unwell(name, noticed_s) for name in services),
        recovery=(
            *(_well_again(name, flags.wait_ready_timeout_s) for name in services),
            common.confirmed_again(flags.wait_ready_timeout_s),
        ),
        always=tuple(common.same_process(name) for name in services[1:]),
        checks=(
            Check("fault_observed", "orders_felt_it", {"op": common.ORDER}, premise=True),
            common.in_time(target, "fails_fast"),
            Check(
                "code_returned",
                "clear_error",
                {"code": _UNAVAILABLE, "op": common.ORDER},
                hint="An order failed without saying that the database can't be had.",
            ),
            common.stays_confirmed(),
        ),
        hold_min_s=noticed_s,
    )


def _unwell(service: str, within_s: float) -> Expectation:
    return eventually(
        read.ready(service).is_(503),
        within_s=within_s,
        for_s=0.5,
        name=f"{service.replace('-', '_')}_unwell",
        hint=f"{service} says that it is ready while it gets no connection.",
    )


def _well_again(service: str, within_s: float) -> Expectation:
    return eventually(
        read.ready(service).is_(200),
        within_s=within_s,
        name=f"{service.replace('-', '_')}_well_again",
        hint=f"Connections are there again, and {service} does not get one.",
    )
