"""What the tests of real systems share; a file with other needs makes fixtures of its own."""

from collections.abc import Iterator

import pytest

from tests.contract.fault_proxies import FaultProxy, redis_server
from tests.requirements import require


@pytest.fixture
def engine() -> None:
    """A container engine with an image of Redis, or the reason why there is none."""
    require("docker")


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """A Redis for all the tests of one file."""
    with redis_server() as port:
        yield port


@pytest.fixture(params=["embedded", "toxiproxy"])
def proxy(request: pytest.FixtureRequest) -> Iterator[FaultProxy]:
    """Each kind of fault proxy."""
    if request.param == "toxiproxy":
        require("toxiproxy")
    made = FaultProxy(request.param)
    yield made
    made.close()
