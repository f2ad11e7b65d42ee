"""The lab's worker as a member of its group, against a real Kafka."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from blackstart_lab.flash_sale.order_source import OrderSource
from blackstart_lab.flash_sale.promise import PROMISED, TOPIC
from tests.contract.kafka_broker import Broker, kafka_broker

SESSION_S = 45.0  # longer than anything here is waited for: whoever has to wait for its end fails
_READ = """
import asyncio, sys
from dataclasses import replace
from blackstart_lab.flash_sale.order_source import OrderSource
from blackstart_lab.flash_sale.promise import PROMISED
async def read():
    source = OrderSource(sys.argv[1], replace(PROMISED, session_timeout_s=float(sys.argv[2])))
    await source.connect()
    while True:
        await source.poll()
        if source.assigned:
            print("reads", flush=True)
asyncio.run(read())
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as running:
        running.topic(TOPIC)
        yield running


def kill_one_that_reads(broker: Broker) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _READ, broker.address, str(SESSION_S)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "reads\n"
        process.kill()


async def reads(broker: Broker, within_s: float) -> bool:
    source = OrderSource(broker.address, replace(PROMISED, session_timeout_s=SESSION_S))
    try:
        async with asyncio.timeout(within_s):
            await source.connect()
            while not source.assigned:
                await source.poll()
    except TimeoutError:
        return False
    finally:
        await source.close()
    return True


@pytest.mark.kafka
@pytest.mark.timeout(180)
def test_the_next_worker_reads_at_once_however_often_they_are_killed(broker: Broker) -> None:
    for _ in range(3):
        kill_one_that_reads(broker)
    assert asyncio.run(reads(broker, 30))
