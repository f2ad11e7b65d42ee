"""Whether anybody talks through a proxy: `python -m blackstart.faults._carried API PROXY`, while traffic flows.

Ends with 1 where nobody does: then the target goes past its proxy, and a fault in it would prove nothing. The embedded
proxy counts what it carries. Toxiproxy counts connections that have ended, if anything at all; there it can't be told,
which ends with 0.
"""

import http.client
import sys
import threading

from prometheus_client.parser import text_string_to_metric_families

from blackstart.base import clock, writer
from blackstart.base.urls import http as http_url

_WITHIN_S = 3.0
_EVERY_S = 0.2
_CALL_WITHIN_S = 2.0
_OPEN, _BYTES = "blackstart_proxy_open_connections", "toxiproxy_proxy_received_bytes_total"


def seen(api: str, proxy: str) -> tuple[float, float] | None:
    """Open connections and bytes received so far; None where the proxy counts no open connections. Raises OSError."""
    place = http_url.read(api).place
    connection = http.client.HTTPConnection(place.host, place.port, timeout=_CALL_WITHIN_S)
    try:
        connection.request("GET", "/metrics", headers={"User-Agent": "blackstart"})
        text = connection.getresponse().read().decode("utf-8", "replace")
    finally:
        connection.close()
    totals: dict[str, float] = {}
    if _OPEN in text:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.labels.get("proxy") == proxy:
                    totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return (totals[_OPEN], totals.get(_BYTES, 0.0)) if _OPEN in totals else None


def carried(api: str, proxy: str, within_s: float = _WITHIN_S) -> bool | None:
    """Whether somebody is connected, or something passes, within that time; None where it can't be told."""
    first = seen(api, proxy)
    if first is None:
        return None
    until_s, pause = clock.now_s() + within_s, threading.Event()
    while True:
        now = seen(api, proxy)
        if now is None or now[0] > 0 or now[1] > first[1]:
            return now is not None
        if clock.now_s() > until_s:
            return False
        pause.wait(_EVERY_S)  # never set: there is no event to wait for, only a count to look at


def main(api: str, proxy: str) -> int:
    """The exit code."""
    if carried(api, proxy) is False:
        writer.error(
            f'traffic flows, and nothing passes through the proxy "{proxy}": the target goes past it, and a fault in '
            "it would prove nothing. Let the target's configuration name the proxy's address."
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
