"""The value of a PromQL expression, asked from the target's Prometheus."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from blackstart.base import trust
from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, reason_of
from blackstart.base.secrets.env import secret
from blackstart.base.secrets.redact import Redactor
from blackstart.base.sockets import NoAnswer
from blackstart.model.expect import Conditions
from blackstart.model.injector import without_user
from blackstart.model.reading import Answer, Picked, Reader
from blackstart.model.target import Target
from blackstart.probes.hard_cap import CappedReader
from blackstart.probes.http import Pairs
from blackstart.probes.metrics import AGGREGATES, Aggregate, Sample, aggregate_samples
from blackstart.probes.read import short

if TYPE_CHECKING:
    import requests

MAX_BODY_BYTES = 4 * 1024 * 1024


class _TooLarge(Exception):
    """Prometheus sends more than is taken."""


def _limit(response: "requests.Response", *_: Any, **__: Any) -> None:
    """Read the body here, no further than the limit; the library would take all of it."""
    parts, size = [], 0
    for part in response.iter_content(64 * 1024):
        size += len(part)
        if size > MAX_BODY_BYTES:
            response.close()
            raise _TooLarge(f"answer larger than {MAX_BODY_BYTES} bytes")
        parts.append(part)
    response._content = b"".join(parts)  # what `response.content` gives once the body was read


class _PrometheusReader(CappedReader):
    def __init__(self, url: str, query: str, headers: dict[str, str]) -> None:
        super().__init__("Prometheus")
        self._url = url
        self._query = query
        self._headers = headers

    def _unanswered(self, failure: NoAnswer) -> Answer:
        """What asks Prometheus must not take its silence for the target's."""
        return Answer("unreadable", note=f"Prometheus, {failure.kind.replace('_', ' ')}: {failure.note}")

    def _ask(self, timeout_s: float) -> Any:
        import requests  # noqa: PLC0415  (declarations load no client)
        from prometheus_api_client import PrometheusApiClientException  # noqa: PLC0415

        try:
            return self._open().custom_query(self._query, timeout=timeout_s)
        except requests.Timeout as error:
            raise NoAnswer("timed_out", f"no whole answer within {timeout_s:g} s") from error
        except requests.ConnectionError as error:
            raise NoAnswer("unreachable", reason_of(error)) from error
        except PrometheusApiClientException as error:  # a status; a 404 is told with what was not found
            asked = f"{without_user(self._url)}/api/v1/query"
            raise NoAnswer("malformed", f"{str(error)[:300]} of {asked}") from error
        except (requests.RequestException, _TooLarge) as error:
            raise NoAnswer("malformed", str(error)[:300]) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NoAnswer("malformed", f"not an answer of Prometheus: {short(error)}") from error

    def _open(self) -> Any:
        from prometheus_api_client import PrometheusConnect  # noqa: PLC0415
        from urllib3.util.retry import Retry  # noqa: PLC0415

        if self._client is None:
            session = trust.session(self._url)
            session.hooks["response"] = [_limit]
            # A failure is a reading: it is not tried again in here.
            self._client = PrometheusConnect(self._url, headers=self._headers, session=session, retry=Retry(total=0))
            if self._url.startswith("https://"):  # in place of the library's own
                session.mount(self._url, trust.adapter(max_retries=Retry(total=0)))
        return self._client


@plain("endpoint.promql")
class PromQuery:
    """One instant query. Header values may be `env:NAME`."""

    url: str
    query: str
    headers: Pairs = ()
    # Prometheus knows nothing newer than its last scrape.
    least_tick_s: ClassVar[float] = 0.25

    def open(self) -> Reader:
        """A reader. Raises BadTarget for a missing variable."""
        headers = {name: secret(value) for name, value in self.headers}
        return _PrometheusReader(secret(self.url), self.query, headers)

    def describe(self) -> str:
        """The query and where it is asked, without secrets."""
        return Redactor()(f"{self.query} at {self.url}")


@plain("probe.promql")
class PromQL(Conditions):
    """The value of an expression: a number. An empty result is `absent`, never 0.

    A Prometheus that does not answer, or refuses the expression, says nothing of the target, and neither does an
    expression that gives no number (a range, words): `unreadable`, so that it breaks no `always` and keeps no
    `never`. Several series need an `aggregate` (sum, max, min, count), here or in the expression; without one they are
    unreadable, and the note names them. `prometheus` is the URL; the target's where it is not given.
    """

    query: str
    aggregate: Aggregate | None = None
    name: str = ""
    prometheus: str = ""
    headers: Pairs = ()

    def __post_init__(self) -> None:
        if self.aggregate is not None and self.aggregate not in AGGREGATES:
            raise ValueError(f"no aggregate {self.aggregate!r}; known: {', '.join(AGGREGATES)}")
        object.__setattr__(self, "name", self.name or self.query)

    def bind(self, target: Target) -> Self:
        """The probe with the target's Prometheus. Raises BadTarget where it has none."""
        url = self.prometheus or target.prometheus
        if not url:
            raise BadTarget(f'target "{target.name}" has no prometheus, as in prometheus = "http://localhost:9090"')
        return replace(self, prometheus=url.rstrip("/"))

    def endpoint(self) -> PromQuery:
        """The query."""
        return PromQuery(self.prometheus, self.query, self.headers)

    def pick(self, answer: Answer) -> Picked:
        """The value, or the aggregate of all series."""
        try:
            samples = _samples(answer.body)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return "unreadable", None, f"not a vector or scalar: {short(error)}"
        return aggregate_samples(samples, self.query, (), self.aggregate)


def _samples(result: Any) -> list[Sample]:
    if len(result) == 2 and isinstance(result[0], int | float):
        return [({}, float(result[1]))]
    if any("values" in series for series in result):
        raise ValueError("a range, of which a function such as rate() makes a number")
    return [(series["metric"], float(series["value"][1])) for series in result]
