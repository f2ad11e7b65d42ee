"""Probes on a real Kafka that wants TLS and a login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from kafka.admin import UserScramCredentialUpsertion

from blackstart.model.reading import Probe, Reading
from blackstart.probes.kafka_brokers import Brokers
from blackstart.probes.kafka_content import TopicContent
from blackstart.probes.kafka_lag import ConsumerLag
from blackstart.probes.kafka_offsets import EndOffsets
from blackstart.probes.read import read_once
from tests import certificates
from tests.contract.kafka_broker import Broker, kafka_broker

pytestmark = pytest.mark.kafka
LIMIT_S = 10.0
PASSWORD = "kW9/x@T q"
_MODULES = "org.apache.kafka.common.security"


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of the broker, in one file."""
    folder = tmp_path_factory.mktemp("pem")
    key, certificate = certificates.made(folder)
    both = folder / "both.pem"
    both.write_text(key.read_text() + certificate.read_text())
    return both


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, pem: Path) -> Iterator[Broker]:
    scram = f"{_MODULES}.scram.ScramLoginModule required;"
    login = {
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "plain.sasl.jaas.config": f'{_MODULES}.plain.PlainLoginModule required user_shop="{PASSWORD}";',
        "scram-sha-256.sasl.jaas.config": scram,
        "scram-sha-512.sasl.jaas.config": scram,
    }
    tls = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(pem)}
    settings = {
        **{f"listener.name.{name}.{key}": value for name in ("login", "both") for key, value in login.items()},
        **{f"listener.name.{name}.{key}": value for name in ("tls", "both") for key, value in tls.items()},
    }
    listeners = {"TLS": "SSL", "LOGIN": "SASL_PLAINTEXT", "BOTH": "SASL_SSL"}
    with kafka_broker(tmp_path_factory.mktemp("kafka"), listeners, settings) as running:
        users = [UserScramCredentialUpsertion("scram", name, PASSWORD) for name in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
        with running.admin() as admin:
            assert [admin.alter_user_scram_credentials([one]) for one in users] == [{"scram": None}] * 2
        running.topic("orders")
        running.write("orders", "a", "b", "c")
        yield running


def look(broker: Broker, probe: Probe, dsn: str) -> Reading:
    return read_once(probe.bind(broker.target(dsn=dsn)), LIMIT_S)


def urls(broker: Broker, pem: Path) -> dict[str, str]:
    """By how each is let in."""
    word, trusted = quote(PASSWORD, safe=""), f"ssl_ca_certs={pem}"
    at = broker.others
    return {
        "TLS alone": f"ssl://{at['TLS']}?{trusted}",
        "PLAIN": f"kafka://shop:{word}@{at['LOGIN']}",
        "PLAIN over TLS": f"sasl_ssl://shop:{word}@{at['BOTH']}?{trusted}",
        "SCRAM over TLS": f"kafka+ssl://scram:{word}@{at['BOTH']}?sasl_mechanism=SCRAM-SHA-512&{trusted}",
        "SCRAM": f"sasl_plaintext://scram:{word}@{at['LOGIN']}?sasl_mechanism=scram-sha-256",
    }


WAYS = ("TLS alone", "PLAIN", "PLAIN over TLS", "SCRAM over TLS", "SCRAM")


@pytest.mark.parametrize("way", WAYS)
def test_what_a_secured_cluster_holds_is_read_like_any(broker: Broker, pem: Path, way: str) -> None:
    dsn = urls(broker, pem)[way]
    wanted = {Brokers(): 1, EndOffsets("orders"): 3, ConsumerLag("workers", "orders"): 3}
    for probe, value in wanted.items():
        seen = look(broker, probe, dsn)
        assert (seen.kind, seen.value) == ("value", value), seen
    seen = look(broker, TopicContent("orders"), dsn)
    assert seen.kind == "value" and str(seen.value).count('"offset"') == 3, seen


@pytest.mark.parametrize("way", WAYS[1:])
def test_a_wrong_password_is_a_matter_of_ours_and_told_without_it(broker: Broker, pem: Path, way: str) -> None:
    dsn = urls(broker, pem)[way].replace(quote(PASSWORD, safe=""), "another-one")
    seen = look(broker, EndOffsets("orders"), dsn)
    assert seen.kind == "unreadable", seen
    assert "uthenticat" in seen.note and "another-one" not in seen.note


def test_a_certificate_that_is_not_trusted_is_told_as_that(broker: Broker) -> None:
    seen = look(broker, EndOffsets("orders"), f"ssl://{broker.others['TLS']}")
    assert seen.kind == "unreadable" and "certificate not trusted" in seen.note


@pytest.mark.parametrize(
    ("scheme", "listener", "why"),
    [
        ("kafka://", "TLS", "it wants TLS: begin its URL with ssl://"),
        ("kafka://", "LOGIN", "it wants a login (by PLAIN, SCRAM-SHA-256, SCRAM-SHA-512)"),
        ("kafka://", "BOTH", "it wants TLS"),
        ("ssl://", "BOTH", "it wants a login"),
        ("ssl://shop:kW9xTq@", "TLS", "it wants no login at this port"),
    ],
)
def test_who_comes_without_what_is_wanted_is_told_and_it_is_no_outage(
    broker: Broker, pem: Path, scheme: str, listener: str, why: str
) -> None:
    query = f"?ssl_ca_certs={pem}" if scheme.startswith("ssl") else ""
    seen = look(broker, EndOffsets("orders"), f"{scheme}{broker.others[listener]}{query}")
    assert seen.kind == "unreadable" and why in seen.note and "kW9" not in seen.note, seen


def test_a_login_where_none_is_wanted_is_told(broker: Broker) -> None:
    seen = look(broker, EndOffsets("orders"), f"kafka://shop:kW9xTq@{broker.address}")
    assert seen.kind == "unreadable" and "it wants no login at this port" in seen.note
