"""What the shop's services say no with: each has the code and the status that a client is answered.

ShopError
├── InvalidRequest      400  it can't be understood
├── NotFound            404  there is no such thing
├── Conflict            409  it is there already, or there is too little of it
├── StockUnavailable    503  the stock was certainly not changed: no lock, or a newer one took its place
├── Unreachable         503  a store or a service could not be asked; what it did is unknown
│   ├── NoDatabase      503  PostgreSQL refused, broke off, or did not answer in time
│   └── Undiscovered    503  nobody has ever told where the service is
└── QueueFull           503  the local queue holds as many events as it may
"""


class ShopError(Exception):
    """Answered as `{"error": {"code", "message"}}`."""

    code = "INTERNAL"
    status = 500


class InvalidRequest(ShopError):
    """The message says what is wrong with it."""

    code, status = "INVALID_REQUEST", 400


class NotFound(ShopError):
    """The message names it."""

    code, status = "NOT_FOUND", 404


class Conflict(ShopError):
    """The message says with what."""

    code, status = "CONFLICT", 409


class StockUnavailable(ShopError):
    """It may be asked for again at once."""

    code, status = "STOCK_UNAVAILABLE", 503


class Unreachable(ShopError):
    """The same request with the same id finds out, and does nothing twice."""

    code, status = "UNREACHABLE", 503


class NoDatabase(Unreachable):
    """The message has what it said."""

    code = "DATABASE_UNAVAILABLE"


class Undiscovered(Unreachable):
    """The registry has not answered since this program began, or knows none of that name."""

    code = "UNDISCOVERED"


class QueueFull(ShopError):
    """The message has its bound."""

    code, status = "QUEUE_FULL", 503
