"""What leaders report of themselves, and what must be true of it: never two of them, and tokens that only grow."""

from dataclasses import replace

from blackstart.model.experiment import Check
from blackstart.model.reading import Probe
from blackstart.model.target import Target
from blackstart.probes.http import HttpText
from blackstart.probes.sql import SqlScalar
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, lock_key
from blackstart.suites.trader._schema import of_orders

# A table without the column has no token: asked for by its name, it would leave errors in the log of the database.
_ROWS = "(SELECT {number} AS number, (to_jsonb(o)->>'token')::bigint AS token FROM {orders} AS o) AS rows"
_TOKENS = "SELECT coalesce(string_agg(DISTINCT token::text, ' '), '') FROM"
_MARKED = f"SELECT token, token < max(token) OVER (ORDER BY number) AS stale FROM {_ROWS}"


def report_name(instance: str) -> str:
    """What the collected /leadership of an instance is called."""
    return f"leadership {instance}".strip()


def reports(target: Target, instances: tuple[str, ...]) -> tuple[Probe, ...]:
    """What leaders report of themselves, and the fencing tokens in the database, where the target can show them."""
    made: list[Probe] = [
        replace(HttpText(f"{name}:/leadership" if name else "/leadership"), name=report_name(name))
        for name in instances
    ]
    if "postgres" in target.services and target.service("postgres").dsn:
        made += [
            SqlScalar(
                service="postgres",
                query=of_orders(target, f"{_TOKENS} ({_MARKED}) AS o WHERE stale"),
                name="stale_tokens",
            ),
            SqlScalar(
                service="postgres",
                query=of_orders(target, f"{_TOKENS} {_ROWS}"),
                name="order_tokens",
            ),
        ]
    return tuple(made)


def leadership(
    target: Target,
    instances: tuple[str, ...],
    limits: Limits,
    criterion: bool = False,
    proof: str = "",
) -> tuple[Check, ...]:
    """Never two leaders, tokens that only grow and, where the lock can be read, one order of who had it. A criterion
    only where the experiment is about that.

    `proof` is what must have happened for two leaders to have been possible (see the check).
    """
    names = tuple(report_name(name) for name in instances)
    return (
        Check(
            "leadership_disjoint",
            "leadership_disjoint",
            {"reports": names, "least": 2, "proof": proof, "services": instances},
            hint="An instance acted as leader after another one had taken over.",
            criterion=criterion,
        ),
        Check(
            "tokens_grow",
            "tokens_grow",
            {"reports": names},
            hint="Orders were written with an older fencing token than one that had already been used.",
            criterion=criterion,
        ),
        *_by_the_lock_itself(target, names, limits),
    )


def _by_the_lock_itself(target: Target, names: tuple[str, ...], limits: Limits) -> tuple[Check, ...]:
    """No criterion: how it is written is the target's own affair."""
    lock = lock_key(target)
    if lock is None:
        return ()
    told = {"notice_s": limits.notice_s, **limits.assumed("lock_refresh_s")}
    return (
        Check(
            "lock_held_by_one",
            "lock_held_by_one",
            {"reports": names, "lock": lock.name, "free": read.NOBODY, **told},
            hint="An instance acted as leader although another one had the lock.",
            criterion=False,
        ),
    )
