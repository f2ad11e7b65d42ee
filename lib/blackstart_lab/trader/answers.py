"""Whether instances of the trader answer, and one of them leads: what a lab waits for before it is up."""

import json
import urllib.error
import urllib.request
from collections.abc import Sequence


def lacks_leader(addresses: Sequence[str]) -> str | None:
    """What is missing. The first instance must answer, and one of them be ready; which of them leads is up to them."""
    if lack := lacks_health(addresses[0]):
        return lack
    lacks = [_lacks_status(address, "/ready") for address in addresses]
    return None if None in lacks else lacks[0]


def lacks_health(address: str) -> str | None:
    """Why the instance at `address` (host:port) is not up; None where it is."""
    return _lacks_status(address, "/health")


def _lacks_status(address: str, route: str) -> str | None:
    url = f"http://{address}{route}"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            json.load(answer)
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code}: {error.read(300).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        return f"no answer from {url} ({error})"
    return None
