"""What the checkout says no with: each failure has the code and the status that a client is answered.

CheckoutError
├── InvalidRequest        400  it can't be understood
├── IdempotencyConflict   409  the key belongs to a request with other parameters
├── RateLimited           429  nothing of it is kept; `retry_after_s` says when to come again
├── ServiceUnavailable    503  the database could not be asked
├── PaymentUnavailable    503  the payment gateway did not charge
└── TooLate               504  the API's own time for the request is over

After 503 and 504 the outcome is open: the same request under the same key finds out, and never pays twice.
"""


class CheckoutError(Exception):
    """Answered as JSON; never kept as the answer to a key."""

    code = "INTERNAL"
    status = 500


class InvalidRequest(CheckoutError):
    """The message says what is wrong with it."""

    code, status = "INVALID_REQUEST", 400


class IdempotencyConflict(CheckoutError):
    """The first request of a key decides what the key is for."""

    code, status = "IDEMPOTENCY_CONFLICT", 409


class RateLimited(CheckoutError):
    """Too many of one client."""

    code, status = "RATE_LIMITED", 429

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ServiceUnavailable(CheckoutError):
    """PostgreSQL refused, broke off, or did not answer in time."""

    code, status = "SERVICE_UNAVAILABLE", 503


class PaymentUnavailable(CheckoutError):
    """As above, of the payment gateway, after every try that there was time for."""

    code, status = "PAYMENT_UNAVAILABLE", 503


class TooLate(CheckoutError):
    """Answered before a client's own limit."""

    code, status = "TIMEOUT", 504
