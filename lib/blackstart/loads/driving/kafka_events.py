"""Hands every event to Kafka's own client as fast as it takes them, and follows each to its acknowledgement."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from blackstart.base.clock import now_s
from blackstart.base.urls.kafka import KafkaUrl
from blackstart.evidence import history
from blackstart.evidence.history import GIVEN_UP, LONGEST_DETAIL, Outcome, Row
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.driving.control import Control, first, say
from blackstart.loads.driving.redacting import redactor
from blackstart.loads.kafka_events import KafkaEvents
from blackstart.loads.summary import Driven, summarise
from blackstart.loads.template import Template
from blackstart.model.protocols import read_kafka

_BOOTSTRAP_MS = 5000
_LOOKS_EVERY_S = 0.2


async def drive(load: KafkaEvents, spec_path: Path, history_path: Path, control: Control, share: object) -> None:
    """Play the storm, and tell the parent what came of it. Raises ValueError where Kafka can't be reached."""
    where = read_kafka(load.dsn)
    producer = await asyncio.to_thread(_producer, load, where)
    with HistoryWriter(history_path, redactor([where.password], [load.dsn])) as writer:
        say("ready", kind=load.kind, worker=f"{load.name}/0", unreachable=[])
        try:
            if await control.go() is None:
                driven = Driven(planned=load.n, stopped=True, reasons=("it was ended before it began",))
            else:
                driven = await _Storm(load, producer, writer, control).blow()
        finally:
            await asyncio.to_thread(partial(producer.close, timeout=1))
    say("summary", **summarise(load.name, load.kind, history.read(history_path), driven).to_data())


def _producer(load: KafkaEvents, where: KafkaUrl) -> Any:
    """One that knows the topic already. Raises ValueError."""
    limit_ms = int(load.timeout_s * 1000)
    secured = {**where.login(), **where.security(where.context())}
    # One request may fail and be made again within the whole.
    limits = {"request_timeout_ms": limit_ms // 2, "delivery_timeout_ms": limit_ms, "max_block_ms": limit_ms}
    try:
        producer = KafkaProducer(
            bootstrap_servers=[place.address for place in where.places], acks="all", linger_ms=5,
            bootstrap_timeout_ms=_BOOTSTRAP_MS, allow_auto_create_topics=False, **limits, **secured,
        )  # fmt: skip
    except KafkaError as error:
        raise ValueError(f"no Kafka for the events: {type(error).__name__}: {error}") from error
    # Kafka's client waits for a topic that there is not, as it does for one that is being made.
    with suppress(KafkaTimeoutError):
        if producer.partitions_for(load.topic):
            return producer
    producer.close(timeout=0)
    raise ValueError(f"there is no topic {load.topic}: none was told of within {load.timeout_s:g} s")


class _Storm:
    """All events of one storm, from the first that is handed over to the last row."""

    def __init__(self, load: KafkaEvents, producer: Any, writer: HistoryWriter, control: Control) -> None:
        self._load, self._producer, self._writer, self._control = load, producer, writer, control
        self._value, self._record_key = Template(load.value), Template(load.record_key)
        self._by_chance = self._value.random or self._record_key.random
        self._lock = threading.Lock()
        self._open: dict[tuple[str, int], Row] = {}  # handed over, and not told of yet
        self._due_s = 0.0

    async def blow(self) -> Driven:
        """All of it. Cut short where the parent wants an end at once."""
        load, control = self._load, self._control
        self._due_s = now_s()
        with ThreadPoolExecutor(1) as thread:
            sending = asyncio.get_running_loop().run_in_executor(thread, self._send)
            handed = await sending
            # The client's own limit ends each of them; a second later it has told so.
            told = asyncio.ensure_future(asyncio.to_thread(self._all_told, load.timeout_s + 1))
            await first(asyncio.shield(told), control.aborting.wait())
            cut = self._give_up() if control.aborting.is_set() or not told.result() else 0
        reasons = control.why_ended()
        if handed < load.n:
            reasons = (f"{load.n - handed} of {load.n} events were not sent: the load had to end", *reasons)
        return Driven(load.n, load.n, now_s() - self._due_s, cut, bool(cut) or handed < load.n, reasons)

    def _send(self) -> int:
        """How many were handed over before the load had to end."""
        for n in range(self._load.n):
            if self._control.stopping.is_set():
                return n
            self._hand_over(n, 1)
        if self._load.again_every:
            self._send_again(self._load.again_every)
        return self._load.n

    def _send_again(self, every: int) -> None:
        """Once they are told of: only what had been acknowledged is certainly there when its second one comes."""
        while self._open and not self._control.stopping.is_set():
            self._all_told(_LOOKS_EVERY_S)
        for n in range(0, self._load.n, every):
            if not self._control.stopping.is_set():
                self._hand_over(n, 2)

    def _hand_over(self, n: int, attempt: int) -> None:
        load = self._load
        key = f"{load.key_prefix}{n + 1}"
        dice = random.Random(f"{load.seed}/{load.op}/{n}") if self._by_chance else None
        record_key = self._record_key.fill(key, n, dice).encode() or None
        value = self._value.fill(key, n, dice).encode()
        row = Row(load.op, key, attempt, self._due_s, now_s(), None, "info", worker=f"{load.name}/0")
        with self._lock:
            self._open[key, attempt] = row
        try:
            told = self._producer.send(load.topic, value, key=record_key)
        except KafkaError as error:  # not even in its buffer
            self._ended(row._replace(start_s=None), "fail", f"unsent: {_why(error)}")
            return
        told.add_callback(lambda _: self._ended(row, "ok", ""))
        told.add_errback(lambda error: self._ended(row, "info", self._unknown(error)))

    def _unknown(self, error: BaseException) -> str:
        return f"{GIVEN_UP}{self._load.timeout_s:g} s" if isinstance(error, KafkaTimeoutError) else _why(error)

    def _ended(self, row: Row, outcome: Outcome, detail: str) -> None:
        """Called in a thread of the client's, or in ours; the first word counts."""
        with self._lock:
            if self._open.pop((row.key, row.attempt), None) is None:
                return
            end_s = None if row.start_s is None else now_s()
            self._writer.append(row._replace(end_s=end_s, outcome=outcome, detail=detail[:LONGEST_DETAIL]))

    def _all_told(self, within_s: float) -> bool:
        try:
            self._producer.flush(timeout=within_s)
        except KafkaError:
            return False
        return not self._open

    def _give_up(self) -> int:
        with self._lock:
            left = list(self._open.values())
        for row in left:
            self._ended(row, "info", "cut: the load had to end")
        return len(left)


def _why(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
