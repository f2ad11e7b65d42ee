"""What a connection that did not come about says: of the system, where it says anything of it."""

import asyncio
import errno
import os

import pytest

from blackstart.loads.driving.place import NotSent, Place

REFUSED = OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
NO_IPV6 = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
NO_HANDLES = OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize(
    ("failures", "why", "ours"),
    [
        ((REFUSED, NO_IPV6), "Connection refused", False),
        ((NO_IPV6, REFUSED), "Connection refused", False),
        ((NO_IPV6,), "Cannot assign requested address", True),
        ((NO_HANDLES, NO_IPV6), "Too many open files", True),
        ((), "the host has no address", False),
    ],
)
def test_a_machine_without_ipv6_that_calls_it_localhost_hides_no_refusal(
    monkeypatch: pytest.MonkeyPatch, failures: tuple[OSError, ...], why: str, ours: bool
) -> None:
    """Of a system that was down, the load said that this machine had no address for it: nobody was accused."""
    by_address = {f"address {number}": failure for number, failure in enumerate(failures)}

    async def resolved(place: Place) -> list[str]:
        return list(by_address)

    async def connected(place: Place, address: str) -> None:
        raise by_address[address]

    monkeypatch.setattr(Place, "_resolve", resolved)
    monkeypatch.setattr(Place, "_connect", connected)
    with pytest.raises(NotSent, match=f"^no connection: {why}$") as told:
        asyncio.run(Place("localhost", 80, False).connect())
    assert told.value.ours is ours
