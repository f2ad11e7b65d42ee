"""What the original shell helpers did, for people's own scripts: read a value, wait, assert, keep a copy.

    from blackstart.helpers import assert_paused, jqval, metric, wait_ready

    wait_ready("http://localhost:8000", timeout_s=90)
    jqval("http://localhost:8000/state", ".paused")            # also where the application says is_paused
    metric("http://localhost:8000", "trader_is_leader", aggregate="sum")

All times are seconds. `api` is the base URL, `headers` go with each request, `timeout_s` is the limit of one request.
Nothing here ever makes a number of what is not there:

    HelperError (a BlackstartError)
    ├── NotRead         no answer, or one that can't be read: refused, timed out, not JSON, not Prometheus text
    ├── NotObservable   a good answer without the field or series that was asked for
    ├── NotAsExpected   an assertion does not hold (also an AssertionError)
    └── NotInTime       a wait ended at its limit
"""

import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from blackstart.base.errors import BlackstartError, reason_of
from blackstart.base.secrets.redact import Redactor
from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.probes.hard_cap import HardCap
from blackstart.probes.http import MAX_BODY_BYTES, inner_repr, look_up, pairs
from blackstart.probes.metrics import Aggregate, NotPrometheus, aggregate_samples, check_page, samples_of

Headers = Mapping[str, str]
DEFAULT_TIMEOUT_S = 5.0
_POLL_S = 0.2
# The original scripts say one, the application the other.
_TWINS = {"paused": "is_paused", "is_paused": "paused"}


class HelperError(BlackstartError):
    """Base of what the helpers raise; the message has no secrets."""

    def __init__(self, message: str) -> None:
        super().__init__(Redactor()(message))


class NotRead(HelperError):
    """There was no answer, or it can't be read as what it should be."""


class NotObservable(HelperError):
    """A good answer that does not contain what was asked for."""


class NotAsExpected(HelperError, AssertionError):
    """What an assertion says does not hold."""


class NotInTime(HelperError):
    """What was waited for did not happen within its limit."""


def jqval(
    url_or_json: str | bytes | Mapping[str, Any] | list[Any],
    path: str,
    *,
    headers: Headers | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> Any:
    """The value at `path` (`.paused`, `orders.0.status`) of a URL's JSON answer, of JSON text, or of parsed JSON.

    The status of the answer does not matter: a 503 of /ready has its fields too. Raises NotRead, NotObservable.
    """
    where, data = _json_of(url_or_json, headers, timeout_s)
    wanted = path.removeprefix(".")
    if not wanted:
        return data
    for place in (data, inner_repr(data, "detail") if isinstance(data, dict) else None):
        for name in (wanted, _TWINS.get(wanted, "")):
            found, value = look_up(place, name) if name else (False, None)
            if found:
                return value
    raise NotObservable(f"{where} has no {path}")


def metric(
    url: str,
    name: str,
    labels: Mapping[str, str] | None = None,
    aggregate: Aggregate | None = None,
    *,
    headers: Headers | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
) -> float:
    """The value of a series at `url` (a metrics page, or a base URL whose /metrics is meant).

    Raises NotObservable for a series that is not there, and NotRead for several label sets without an `aggregate`
    (sum, max, min, count) or a page that is not Prometheus text.
    """
    page_url = _metrics_url(url)
    body = _page(page_url, headers, timeout_s)
    try:
        kind, value, note = aggregate_samples(samples_of(body, name), name, pairs(labels or {}), aggregate)
    except NotPrometheus as error:
        raise NotRead(f"{page_url}: {error}") from error
    if kind == "absent":
        raise NotObservable(f"{page_url}: {note}")
    if kind != "value" or not isinstance(value, int | float):
        raise NotRead(f"{page_url}: {note}")
    return float(value)


def wait_ready(
    api: str, timeout_s: float = 90.0, *, headers: Headers | None = None, request_timeout_s: float = DEFAULT_TIMEOUT_S
) -> float:
    """Wait until /ready answers 200; returns the seconds that it took. Raises NotInTime with what was seen last."""
    url, began_s = f"{api.rstrip('/')}/ready", time.monotonic()

    def ready() -> None:
        left_s = max(1.0, timeout_s - (time.monotonic() - began_s))  # the last look must be long enough to tell
        status, _ = _get(url, headers, min(request_timeout_s, left_s))
        if status != 200:
            raise NotAsExpected(f"{url} answered {status}")

    _until(ready, timeout_s, f"{url} did not answer 200")
    return time.monotonic() - began_s


def assert_paused(
    api: str, within_s: float = 0.0, *, headers: Headers | None = None, timeout_s: float = DEFAULT_TIMEOUT_S
) -> None:
    """/state says that trading is paused, at once or within `within_s`. Raises NotAsExpected, or what `jqval` does."""
    _assert_state(api, True, within_s, headers, timeout_s)


def assert_resumed(
    api: str, within_s: float = 0.0, *, headers: Headers | None = None, timeout_s: float = DEFAULT_TIMEOUT_S
) -> None:
    """/state says that trading is not paused, at once or within `within_s`. Raises as `assert_paused`."""
    _assert_state(api, False, within_s, headers, timeout_s)


def snapshot_metrics(
    api: str, path: str | os.PathLike[str], *, headers: Headers | None = None, timeout_s: float = DEFAULT_TIMEOUT_S
) -> Path:
    """Keep the metrics page as it is now in the file `path`, whole or not at all. Raises NotRead, OSError."""
    url, target = _metrics_url(api), Path(path)
    body = _page(url, headers, timeout_s)
    try:
        check_page(body)
    except NotPrometheus as error:
        raise NotRead(f"{url}: {reason_of(error)}") from error
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        os.replace(temporary, target)
    except OSError:
        os.unlink(temporary)
        raise
    return target


def _assert_state(api: str, wanted: bool, within_s: float, headers: Headers | None, timeout_s: float) -> None:
    url = f"{api.rstrip('/')}/state"

    def as_wanted() -> None:
        seen = jqval(url, ".is_paused", headers=headers, timeout_s=timeout_s)
        if seen is not wanted:
            raise NotAsExpected(f"{url}: trading should {'' if wanted else 'not '}be paused, but is_paused is {seen!r}")

    if within_s <= 0:
        as_wanted()
        return
    try:
        _until(as_wanted, within_s, f"{url}: not {'paused' if wanted else 'resumed'}")
    except NotInTime as error:
        raise NotAsExpected(str(error)) from error


def _until(attempt: Any, timeout_s: float, what: str) -> None:
    retrying = Retrying(
        stop=stop_after_delay(timeout_s), wait=wait_fixed(_POLL_S), retry=retry_if_exception_type(HelperError)
    )
    try:
        retrying(attempt)
    except RetryError as error:
        raise NotInTime(f"{what} within {timeout_s:g} s; last: {error.last_attempt.exception()}") from error


def _json_of(source: Any, headers: Headers | None, timeout_s: float) -> tuple[str, Any]:
    if not isinstance(source, str | bytes):
        return "the data", source
    where, text = "the text", source
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        where, text = source, _get(source, headers, timeout_s)[1]
    try:
        return where, json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotRead(f"{where} is not JSON: {error}") from error


def _metrics_url(url: str) -> str:
    return f"{url.rstrip('/')}/metrics" if urlsplit(url).path in ("", "/") else url


def _page(url: str, headers: Headers | None, timeout_s: float) -> bytes:
    status, body = _get(url, headers, timeout_s)
    if status != 200:
        raise NotRead(f"{url} answered {status} instead of a metrics page")
    return body


def _get(url: str, headers: Headers | None, timeout_s: float) -> tuple[int, bytes]:
    """Status and body. Raises NotRead past the time limit or the size that is taken."""

    def ask() -> tuple[int, bytes]:
        with requests.get(url, headers=headers, timeout=timeout_s, stream=True, allow_redirects=False) as response:
            body = bytearray()
            for part in response.iter_content(64 * 1024):
                body += part
                if len(body) > MAX_BODY_BYTES:
                    raise NotRead(f"{url}: answer larger than {MAX_BODY_BYTES} bytes")
            return response.status_code, bytes(body)

    try:
        return HardCap(url).run(ask, Deadline(timeout_s))
    except requests.Timeout as error:
        raise NotRead(f"{url}: no answer within {timeout_s:g} s") from error
    except requests.RequestException as error:
        raise NotRead(f"{url}: {reason_of(error)}") from error
    except NoAnswer as failure:
        raise NotRead(f"{url}: {failure.note}") from failure
