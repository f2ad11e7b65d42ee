"""What the gateway's parts say no with.

GatewayError
├── LimiterUnavailable   Redis could not be asked: not reached, too slow, or not allowed by the breaker
│   └── CircuitOpen      the breaker did not allow the call
└── UpstreamUnavailable  the service behind the gateway did not answer
"""


class GatewayError(Exception):
    """Never leaves the HTTP side, which answers it with a status."""


class LimiterUnavailable(GatewayError):
    """The rate limit could not be counted."""


class CircuitOpen(LimiterUnavailable):
    """The call was not made."""


class UpstreamUnavailable(GatewayError):
    """`status` is what the client is answered: 502 refused, 504 too late, 503 not tried."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
