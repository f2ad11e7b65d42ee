"""One kind of request that a load sends, and what its answers mean. Plain data."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Self
from urllib.parse import urljoin

from blackstart.base.codec import plain
from blackstart.base.urls import http
from blackstart.base.urls.parts import shown
from blackstart.loads.statuses import Statuses
from blackstart.loads.template import Template

_METHOD = re.compile(r"[A-Z]+")
_PICK = re.compile(r"header:[A-Za-z0-9-]+|json:[\w.-]+")


@plain("load.operation")
class Operation:
    """A request with holes (see `blackstart.loads.template`) in its url's path and query, header values and body.

    `ok_statuses` mean acknowledged, `fail_statuses` certainly not done, `info_statuses` unknown; a status that none of
    them names is unknown too, and so is a 5xx unless `fail_statuses` names it. `detail_from` and `instance_from` fill
    these columns of the history from an answer: `header:X-Instance` or `json:order.status`; `error_from` fills the
    detail of an answer that is not ok, where that stands elsewhere (`json:error.code`). Where `ok_details` is
    given, an answer with an ok status is ok only with one of these details, and `fail` with any other (a 200 that says
    "ignored"). A header value `env:NAME` is read from the environment when the load starts. Redirects are answers:
    none is followed.
    """

    name: str
    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    timeout_s: float = 5.0
    ok_statuses: tuple[str | int, ...] = ("2xx",)
    fail_statuses: tuple[str | int, ...] = ("4xx",)
    info_statuses: tuple[str | int, ...] = ("5xx",)
    detail_from: str = ""
    ok_details: tuple[str, ...] = ()
    instance_from: str = ""
    weight: int = 1
    error_from: str = ""

    def __post_init__(self) -> None:
        for name in ("ok_statuses", "fail_statuses", "info_statuses", "ok_details"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        try:
            self._check()
        except ValueError as error:
            raise ValueError(f'operation "{self.name}": {error}') from None

    def at(self, base_url: str, headers: Mapping[str, str] | None = None) -> Self:
        """The same with its url made whole (a relative one is below `base_url`) and with these headers added."""
        url = self.url if "://" in self.url else urljoin(base_url.rstrip("/") + "/", self.url.lstrip("/"))
        return dataclasses.replace(self, url=url, headers={**(headers or {}), **self.headers})

    def statuses(self) -> Statuses:
        """What each status means."""
        return Statuses(self.ok_statuses, self.fail_statuses, self.info_statuses)

    def _check(self) -> None:
        if not self.name or "," in self.name:
            raise ValueError("it needs a name without commas")
        if "://" in self.url:
            if not Template(self.url.partition("://")[2].partition("/")[0]).fixed:
                raise ValueError("there can be no holes in the host, which is looked up once for all requests")
            try:
                http.read(self.url, whole_path=True)
            except ValueError as error:
                raise ValueError(f"the url {error}") from None
        elif not self.url.startswith("/"):
            raise ValueError(f"the url {shown(self.url)!r} must begin with http://, https:// or /")
        if not _METHOD.fullmatch(self.method):
            raise ValueError(f"{self.method!r} is no HTTP method: write GET, POST, ...")
        if not 0 < self.timeout_s <= 3600:
            raise ValueError(f"timeout_s must be above 0 and at most 3600, not {self.timeout_s}")
        if not 1 <= self.weight <= 1000:
            raise ValueError(f"weight must be between 1 and 1000, not {self.weight}")
        if self.ok_details and not self.detail_from:
            raise ValueError("ok_details needs detail_from, which says where the detail is")
        for name in ("detail_from", "instance_from", "error_from"):
            if getattr(self, name) and not _PICK.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} must be header:NAME or json:PATH, not {getattr(self, name)!r}")
        for text in (self.url, self.body, *self.headers.values()):
            Template(text)
        self.statuses()


@plain("load.retry")
class Retry:
    """What is sent again, with the same key and the same content: up to `times` more attempts, each `after_s` later.

    With `max_after_s` each further wait is twice the one before, up to it.

    Of what is acknowledged every `acknowledged_every`th is sent once more too, on purpose (0: none): only one that is
    there already shows whether a repetition is told from a new request. That it is then rejected with one of
    `known_statuses` is as good (none of them is, where the system promises to acknowledge it); any other refusal (401,
    404, 429) was decided before anybody looked whether it is there. Of all requests every `twice_every`th is sent twice
    at once (0: none): a key that is looked for and then set lets both in. Both are counted by operation.
    """

    times: int = 0
    after_s: float = 0.1
    outcomes: tuple[str, ...] = ("info",)
    acknowledged_every: int = 0
    max_after_s: float | None = None
    twice_every: int = 0
    known_statuses: tuple[int, ...] = (400, 409, 412, 422)

    def __post_init__(self) -> None:
        for name in ("outcomes", "known_statuses"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not 0 <= self.times <= 1000:
            raise ValueError(f"retry: times must be between 0 and 1000, not {self.times}")
        for name in ("acknowledged_every", "twice_every"):
            if getattr(self, name) < 0:
                raise ValueError(f"retry: {name} must not be below 0, as {getattr(self, name)} is")
        if not 0 <= self.after_s <= 3600:
            raise ValueError(f"retry: after_s must be between 0 and 3600, not {self.after_s}")
        if self.max_after_s is not None and not self.after_s <= self.max_after_s <= 3600:
            raise ValueError(f"retry: max_after_s must be between after_s and 3600, not {self.max_after_s}")
        if not self.outcomes or set(self.outcomes) - {"info", "fail"}:
            raise ValueError(f"retry: outcomes must be info, fail or both, not {', '.join(self.outcomes) or 'nothing'}")

    def wait_s(self, tries: int) -> float:
        """How long to wait after so many attempts. Doubled: a fixed pace adds itself up to a flood in an outage."""
        if self.max_after_s is None:
            return self.after_s
        return min(self.after_s * 2.0 ** min(tries - 1, 32), self.max_after_s)
