"""What a system answers: metrics text, JSON, HTTP. A reading of some kind, within its time, with a word of why."""

import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from blackstart.model.reading import Answer
from blackstart.probes.http import HttpJson, HttpStatus, HttpText
from blackstart.probes.http_client import HttpReader
from blackstart.probes.metrics import Metric, MetricLabel
from tests.fuzz.cases import count, fuzzed

KINDS = ("value", "absent", "malformed", "unreadable")
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda deeper: st.one_of(st.lists(deeper, max_size=4), st.dictionaries(st.sampled_from("abc"), deeper, max_size=3)),
    max_leaves=8,
)
PIECES = st.sampled_from(["a", "b", "a_total", "{", "}", 'x="1"', 'y="\\"', ",", " ", "\t", "1", "-2.5", "NaN", "+Inf",
                          "1e400", "0x1", "# HELP a b", "# TYPE a gauge", "\n", "\r", "é", "\x00", "1 2",
                          "²"])  # fmt: skip
PAGES = st.lists(PIECES, max_size=20).map("".join)


@fuzzed(ci=100, long=15_000)
@given(page=st.one_of(PAGES.map(str.encode), st.binary(max_size=120)))
def test_any_metrics_page_gives_a_reading_and_none_that_the_library_would_not(page: bytes) -> None:
    count("metrics")
    kind, value, note = Metric("a").pick(Answer("answer", page, 200))
    assert kind in KINDS and (kind == "value") == isinstance(value, int | float) and (note or kind == "value")
    assert MetricLabel("a", "x").pick(Answer("answer", page, 200))[0] in KINDS
    if kind == "value":
        assert isinstance(value, int | float)
        try:
            families = list(text_string_to_metric_families(page.decode()))
        except (ValueError, KeyError, IndexError):
            return  # it is stricter elsewhere on the page
        values = [sample.value for family in families for sample in family.samples if sample.name == "a"]
        assert any(value == one for one in values) or math.isnan(float(value))


@fuzzed(ci=100, long=15_000)
@given(data=JSON, cut=st.integers(0, 40), put=st.binary(max_size=4), path=st.sampled_from(["a", "a.b", "a.0|b", "0"]))
def test_any_json_gives_a_reading_and_a_whole_one_the_right_one(data: Any, cut: int, put: bytes, path: str) -> None:
    count("json")
    whole = json.dumps(data).encode()
    for body in (whole, whole[:cut] + put + whole[cut + len(put) :], put):
        for probe in (HttpJson("/x", path), HttpJson("/x", path, repr_in="a"), HttpStatus("/x"), HttpText("/x")):
            kind, _, note = probe.pick(Answer("answer", body, 200))
            assert kind in KINDS and (kind == "value" or note)
    if path == "a" and isinstance(data, dict) and isinstance(data.get("a"), str | bool):
        assert HttpJson("/x", "a").pick(Answer("answer", whole, 200))[:2] == ("value", data["a"])


class Raw:
    """Answers every request with the same bytes, and hangs up or stays silent."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/x"
        self.says, self.stays = b"", False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                peer.settimeout(2)
                try:
                    peer.recv(65536)
                    peer.sendall(self.says)
                    if self.stays:
                        peer.recv(1)  # until the client gives up
                except OSError:
                    continue


@pytest.fixture(scope="module")
def raw() -> Iterator[Raw]:
    server = Raw()
    yield server
    server.listener.close()


HEADS = st.lists(
    st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 X\r\n", b"HTTP/1.0 200\r\n", b"HTTP/1.1 100 C\r\n\r\n",
                     b"HTTP/9 9", b"Content-Length: 3\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99\r\n",
                     b"Transfer-Encoding: chunked\r\n", b"\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n",
                     b"fffffffffffffffff\r\n",
                     b"abc", b"\x00", b"Content-Encoding: gzip\r\n", b"Location: /\r\n", b": x\r\n"]),
    max_size=8,
).map(b"".join)  # fmt: skip


def timed(url: str, timeout_s: float) -> tuple[Answer, float]:
    reader = HttpReader(url)
    began_s = time.monotonic()
    answer = reader.read(timeout_s)
    took_s = time.monotonic() - began_s
    reader.close()
    return answer, took_s


@fuzzed(ci=40, long=12_000)
@given(says=st.one_of(HEADS, st.binary(max_size=80)), stays=st.sampled_from([False] * 24 + [True]))
def test_any_bytes_from_a_server_are_a_reading_within_its_time(raw: Raw, says: bytes, stays: bool) -> None:
    count("http")
    raw.says, raw.stays = says, stays
    answer, took_s = timed(raw.url, 0.05 if stays else 1.0)
    if took_s >= 3:  # a machine with better things to do may have kept it from the CPU: once, but not twice
        answer, took_s = timed(raw.url, 0.05 if stays else 1.0)
    assert took_s < 3
    assert answer.kind in ("answer", "unreachable", "timed_out", "malformed", "unreadable")
    assert answer.kind == "answer" or answer.note
    assert answer.kind != "answer" or isinstance(answer.status, int)
