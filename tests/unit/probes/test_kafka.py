"""Kafka's probes: what is picked from offsets and messages, and that they are plain data."""

import json

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.reading import Answer, Probe
from blackstart.model.target import Service, Target
from blackstart.probes.kafka_brokers import Brokers
from blackstart.probes.kafka_content import TopicContent
from blackstart.probes.kafka_lag import CommittedOffsets, ConsumerLag
from blackstart.probes.kafka_offsets import EndOffsets

PROBES: list[Probe] = [ConsumerLag("g", "t"), EndOffsets("t"), TopicContent("t", since=(3, 4)),
                       CommittedOffsets("g", "t"), Brokers()]  # fmt: skip


def offsets(committed: dict[int, int], starts: dict[int, int], ends: dict[int, int]) -> Answer:
    return Answer("answer", {"committed": committed, "starts": starts, "ends": ends})


def target(**more: str) -> Target:
    return Target("t", services={"kafka": Service("kafka", **more)})


@pytest.mark.parametrize(
    ("committed", "starts", "ends", "lag"),
    [
        ({0: 3, 1: 5}, {}, {0: 10, 1: 5}, 7),
        ({0: 3}, {1: 2}, {0: 10, 1: 5}, 10),
        ({0: 0}, {}, {0: 0}, 0),
        ({}, {0: 0, 1: 4}, {0: 2, 1: 4}, 2),
    ],
    ids=["all committed", "one partition untouched", "an empty topic", "nothing committed"],
)
def test_a_lag_is_what_is_not_committed(
    committed: dict[int, int], starts: dict[int, int], ends: dict[int, int], lag: int
) -> None:
    kind, value, note = ConsumerLag("g", "t").pick(offsets(committed, starts, ends))
    assert (kind, value) == ("value", lag)
    assert note == ("" if committed else "group g has committed nothing")


def test_a_lag_of_nobody_and_one_of_less_than_nothing_are_none() -> None:
    with pytest.raises(ValueError, match="must have a name"):
        ConsumerLag("", "t")
    # The one partition's surplus must not hide what waits in the other.
    assert ConsumerLag("g", "t").pick(offsets({0: 9, 1: 0}, {}, {0: 2, 1: 7}))[0] == "unreadable"


def test_what_a_group_has_done_is_the_sum_of_what_it_has_committed() -> None:
    assert CommittedOffsets("g", "t").pick(offsets({0: 3, 1: 5}, {}, {0: 10, 1: 5}))[:2] == ("value", 8)
    assert CommittedOffsets("g", "t").pick(offsets({}, {0: 2}, {0: 9}))[:2] == ("value", 0)
    with pytest.raises(ValueError, match="must have a name"):
        CommittedOffsets("", "t")


def test_no_such_topic_is_absent_with_that_reason() -> None:
    for probe in PROBES[:4]:
        assert probe.pick(Answer("answer", note="has no topic t")) == ("absent", None, "has no topic t")


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: type(probe).__name__)
def test_they_are_plain_data_and_bound_by_dsn_or_address(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KAFKA", "a:1,b:2")
    for more, dsn in (({"dsn": "env:TEST_KAFKA"}, "env:TEST_KAFKA"), ({"address": "h:1"}, "kafka://h:1")):
        bound = probe.bind(target(**more))
        assert from_data(json.loads(json.dumps(to_data(bound)))) == bound
        assert dsn in bound.endpoint().describe()
        bound.endpoint().open().close()
    with pytest.raises(BadTarget, match='"kafka" has no dsn'):
        probe.bind(target())
    with pytest.raises(BadTarget, match="the dsn of kafka must be a URL such as kafka://"):
        probe.bind(target(dsn="amqp://h"))
