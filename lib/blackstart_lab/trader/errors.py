"""What can go wrong inside the trader.

TraderError
├── Refused               an order that may not be placed now (not leader, paused)
├── Mismatch              a known client_order_id with other parameters
├── Fenced                a newer leader has taken a token since ours
├── QueueFull             the throttle queue holds all it can
├── StoreUnreachable      Redis refused, broke off, or did not answer in time
└── BrokerUnavailable     the broker takes no token of ours, broke off, or did not answer in time

What PostgreSQL refuses, breaks off or does not answer in time is a `blackstart_lab.database.DatabaseUnavailable`.
"""


class TraderError(Exception):
    """Anything that the trader expects to happen and lives through."""


class Refused(TraderError):
    """The order may not be placed now; the text is the answer's `detail`."""


class Mismatch(TraderError):
    """The client_order_id is known with another side, quantity or price."""


class Fenced(TraderError):
    """The database has seen a newer leader's token."""


class QueueFull(TraderError):
    """The throttle queue is full."""


class StoreUnreachable(TraderError):
    """Redis could not be asked; whether a command took effect is unknown."""


class BrokerUnavailable(TraderError):
    """The broker could not be asked, or takes no token of ours; whether an order got there is unknown."""
