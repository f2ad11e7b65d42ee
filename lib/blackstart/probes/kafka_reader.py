"""Asks Kafka through kafka-python, whose client is kept from one reading to the next."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition, errors
from kafka.protocol.consumer import OffsetSpec

from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.base.trust import Tls
from blackstart.base.urls.kafka import KafkaUrl
from blackstart.base.urls.parts import Place
from blackstart.model.reading import Answer
from blackstart.probes.hard_cap import HardCap
from blackstart.probes.kafka_hello import be_let_in, knock

Look = Callable[[Any, Deadline], Answer]
_SECURITY = ("security_protocol", "ssl_context", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password")
_PAUSE_S = 0.05
_NOT_LET_IN = (
    errors.AuthorizationError,
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.UnsupportedVersionError,
)
_TIME_OVER = (errors.KafkaTimeoutError, errors.RequestTimedOutError)


class KafkaReader:
    """What `look` makes of a cluster, by a client that is kept. Of several servers the first that answers is asked."""

    def __init__(self, kafka: KafkaUrl, look: Look) -> None:
        self._kafka = kafka
        self._tls = kafka.context()
        self._look = look
        self._cap = HardCap("Kafka")
        # Only here while nobody uses it: a call that hangs has taken it along, and closes it.
        self._client: Any = None

    def read(self, timeout_s: float) -> Answer:
        """What `look` returns, or why there is nothing, within `timeout_s`, connecting included."""
        deadline = Deadline(timeout_s)
        try:
            return self._cap.run(lambda: self._ask(deadline, timeout_s), deadline)
        except NoAnswer as failure:
            return Answer(failure.kind, note=failure.note)

    def close(self) -> None:
        """Close the client; the next read makes another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, deadline: Deadline, timeout_s: float) -> Answer:
        kept, self._client = self._client, None
        if kept is not None:
            try:
                return self._looked(kept, deadline)
            except NoAnswer:
                raise
            except Exception:
                pass  # its connection or what it knows of the cluster may be an old story: ask anew
        client = self._open(deadline, timeout_s)
        try:
            return self._looked(client, deadline)
        except NoAnswer:
            raise
        except errors.KafkaConnectionError as error:
            told = f"it answers, but the brokers that it names (advertised.listeners) can't be reached: {error}"
            raise NoAnswer("unreachable", told) from error
        except Exception as error:
            raise _no_answer(error) from error

    def _looked(self, client: Any, deadline: Deadline) -> Answer:
        try:
            while True:
                try:
                    answer = self._look(client, deadline)
                    deadline.left_s()
                    break
                except errors.BrokerResponseError as error:
                    # It has just started, or just lost another: in a moment it knows who leads and who coordinates.
                    if not error.retriable or deadline.left_s() < 3 * _PAUSE_S:
                        raise
                time.sleep(_PAUSE_S)
        except BaseException:
            client.close()
            raise
        self._client = client
        return answer

    def _open(self, deadline: Deadline, timeout_s: float) -> Any:
        failures: list[NoAnswer] = []
        for index, place in enumerate(self._kafka.places):
            # One that swallows everything must not use up the time of the others.
            share = Deadline(deadline.left_s() / (len(self._kafka.places) - index))
            try:
                return self._made(place, share, timeout_s)
            except NoAnswer as failure:
                failures.append(failure)
        failures.sort(key=lambda failure: failure.kind != "timed_out")
        raise failures[0]

    def _made(self, place: Place, deadline: Deadline, timeout_s: float) -> Any:
        login = self._kafka.login()
        be_let_in(place.host, place.port, deadline, self._tls, login)
        limits = {"bootstrap_timeout_ms": deadline.left_s() * 1000, "request_timeout_ms": timeout_s * 1000}
        secured = {**login, **self._kafka.security(self._tls)}
        try:
            return KafkaAdminClient(bootstrap_servers=place.address, **limits, **secured)
        except Exception as error:  # the library lets through whatever is raised beneath it
            raise _no_answer(error) from error


def _no_answer(error: Exception) -> NoAnswer:
    told = (str(error) if isinstance(error, errors.KafkaError) else f"{type(error).__name__}: {error}")[:300]
    if isinstance(error, _TIME_OVER):
        return NoAnswer("timed_out", told)
    if isinstance(error, _NOT_LET_IN):
        return NoAnswer("unreadable", told)
    return NoAnswer("unreachable" if getattr(error, "retriable", False) else "malformed", told)


def partitions_of(client: Any, topic: str) -> list[TopicPartition]:
    """All partitions of a topic; none where there is no such topic. Raises NoAnswer where one has no leader."""
    (told,) = client.describe_topics([topic])
    failure = errors.for_code(told["error_code"])
    if failure is errors.UnknownTopicOrPartitionError:
        return []
    if failure is not errors.NoError:
        raise failure(topic)
    for partition in told["partitions"]:
        if partition["leader_id"] < 0:
            raise NoAnswer("unreachable", f"partition {partition['partition_index']} of {topic} has no leader")
    return sorted(TopicPartition(topic, partition["partition_index"]) for partition in told["partitions"])


def offsets(client: Any, partitions: Iterable[TopicPartition], earliest: bool = False) -> dict[int, int]:
    """Where each partition begins, or ends: the offset that the next message will have."""
    wanted = OffsetSpec.EARLIEST if earliest else OffsetSpec.LATEST
    found = client.list_partition_offsets(dict.fromkeys(partitions, wanted))
    return {at.partition: entry.offset for at, entry in found.items()}


def committed(client: Any, partitions: Iterable[TopicPartition], group: str) -> dict[int, int]:
    """What a group has committed of each partition; one of which it has committed nothing is missing."""
    found = client.list_group_offsets({group: list(partitions)})[group]
    return {at.partition: entry.offset for at, entry in found.items() if entry.offset >= 0}


def consumer(client: Any, since: dict[TopicPartition, int]) -> KafkaConsumer:
    """One that reads these partitions from these offsets, for itself: no group knows of it, and it commits nothing."""
    manners = {"group_id": None, "enable_auto_commit": False, "auto_offset_reset": "none"}
    servers = client.config["bootstrap_servers"]
    secured = {name: client.config[name] for name in _SECURITY}
    made = KafkaConsumer(bootstrap_servers=servers, allow_auto_create_topics=False, **manners, **secured)
    made.assign(list(since))
    for at, offset in since.items():
        made.seek(at, offset)
    return made


def leaders(topic: str) -> Look:
    """Where those are that lead the topic's partitions, how many copies there are of each at most, and how many brokers
    the cluster has. No body where there is no such topic."""

    def look(client: Any, deadline: Deadline) -> Answer:
        if not partitions_of(client, topic):
            return Answer("answer", note=f"has no topic {topic}")
        brokers = {at["broker_id"]: f"{at['host']}:{at['port']}" for at in client.describe_cluster()["brokers"]}
        (told,) = client.describe_topics([topic])
        led = sorted({brokers.get(each["leader_id"], "nobody") for each in told["partitions"]})
        copies = max(len(each["replica_nodes"]) for each in told["partitions"])
        return Answer("answer", {"led": led, "copies": copies, "brokers": len(brokers)})

    return look


def answering(client: Any, deadline: Deadline, tls: Tls | None) -> Answer:
    """How many of the cluster's brokers answer, each asked itself."""
    brokers = client.describe_cluster()["brokers"]
    each_s = deadline.left_s() / (len(brokers) + 1)
    return Answer("answer", sum(_answers(at["host"], at["port"], Deadline(each_s), tls) for at in brokers))


def _answers(host: str, port: int, deadline: Deadline, tls: Tls | None) -> bool:
    try:
        knock(host, port, deadline, tls)
    except NoAnswer:
        return False
    return True
