"""The flash sale on a Kafka that was there before."""

from pathlib import Path

import pytest

from tests.contract.kafka_broker import kafka_broker
from tests.lab.lab_driver import eventually
from tests.lab.sale_driver import SaleDriver


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_lab_uses_a_kafka_that_is_there_and_leaves_it_there(tmp_path: Path) -> None:
    with kafka_broker(tmp_path) as broker:
        broker.topic("orders")  # somebody else's
        lab = SaleDriver(tmp_path / "sale").up(KAFKA_BOOTSTRAP=broker.address)
        try:
            told = lab.target
            assert told["services"]["kafka"] == {"dsn": f"kafka://{broker.address}"}
            assert "kafka" not in lab.supervisor("status")
            lab.init(5)
            assert [lab.place(f"k{number}").json()["status"] for number in range(3)] == ["success"] * 3
            eventually(lambda: sorted(lab.rows()) == ["k0", "k1", "k2"], within_s=30)
        finally:
            lab.command("down")
        with broker.admin() as admin:
            assert {"orders", told["kafka"]["topic"]} <= set(admin.list_topics())
