"""What the API refuses, in one table: the words and statuses are Toxiproxy's, so that its clients understand them."""

from blackstart.base.errors import BlackstartError


class ApiError(BlackstartError):
    """A request that can't be carried out. `status` is the HTTP status that its sender gets."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def bad_body(why: str) -> ApiError:
    """The body is not JSON, or a value in it is not valid."""
    return ApiError(f"bad request body: {why}", 400)


def missing_field(name: str) -> ApiError:
    """A field without a default is absent or empty."""
    return ApiError(f"missing required field: {name}", 400)


def invalid_stream() -> ApiError:
    """The stream is none of the three."""
    return ApiError("stream was invalid, can be either upstream or downstream, or both", 400)


def invalid_type(known: list[str]) -> ApiError:
    """No toxic has that type."""
    return ApiError(f"invalid toxic type, known are {', '.join(known)}", 400)


def proxy_not_found() -> ApiError:
    """No proxy has that name."""
    return ApiError("proxy not found", 404)


def toxic_not_found() -> ApiError:
    """No toxic of that proxy has that name."""
    return ApiError("toxic not found", 404)


def proxy_exists() -> ApiError:
    """A proxy of that name is there already."""
    return ApiError("proxy already exists", 409)


def toxic_exists() -> ApiError:
    """A toxic of that name is there already."""
    return ApiError("toxic already exists", 409)


def bind_failed(address: str, why: str) -> ApiError:
    """The listen address can't be bound: taken, not of this machine, or not allowed."""
    return ApiError(f"listen tcp {address}: bind: {why}", 500)
