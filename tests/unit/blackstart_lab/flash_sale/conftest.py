"""One Redis for the folder's tests, emptied before each."""

from collections.abc import Iterator

import pytest
import redis

from tests.contract.fault_proxies import redis_server
from tests.unit.blackstart_lab.flash_sale.fakes import Bench, Benches


@pytest.fixture(scope="package")
def redis_port() -> Iterator[int]:
    with redis_server() as port:
        yield port


@pytest.fixture
def bench(redis_port: int) -> Benches:
    """Makes a bench, of the healthy parts or with some of them replaced."""
    with redis.Redis(port=redis_port) as client:
        client.flushall()
    return lambda parts=None, **promise: Bench(redis_port, parts or {}, **promise)
