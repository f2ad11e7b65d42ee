"""Bodies that come packed, and pages that are longer than what is kept of them."""

import gzip
import socket
import time
import tracemalloc
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.sockets import NoAnswer
from blackstart.engine.sampling.sampler import Sampler
from blackstart.model.reading import Reading
from blackstart.probes import http_body
from blackstart.probes.fleet import Fleet
from blackstart.probes.http import HttpJson
from blackstart.probes.http_body import Body
from blackstart.probes.metrics import Metric, MetricLabel
from blackstart.probes.read import read_once
from tests.unit.fake_probes import Taken
from tests.unit.probes.servers import answering, http, requests_of, serving

FILLER = b"".join(b'filler_total{n="%09d"} 1\n' % number for number in range(220_000))
LARGE = b"first 1\n" + FILLER + b'seen{a="x"} 3 # {trace="y"} 1\n{"http.open"} 4\n' + FILLER + b"last 5"


def packed(body: bytes, encoding: str, data: bytes) -> bytes:
    del body
    return http(data, "200 OK", f"Content-Encoding: {encoding}")


def look(answer: bytes, series: str = "seen", **more: str) -> Reading:
    with serving(answering(answer)) as port:
        return read_once(Metric(series, path=f"http://127.0.0.1:{port}/metrics", **more), 10.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("deflate", gzip.compress),
        ("gzip", lambda body: gzip.compress(body) + bytes(9)),
        ("gzip", lambda body: gzip.compress(body) + b"\r\n"),
        ("identity", bytes),
        ("gzip", lambda body: gzip.compress(body[:3]) + gzip.compress(body[3:])),
    ],
)
def test_a_body_that_nobody_asked_to_pack_is_unpacked(encoding: str, pack) -> None:
    assert look(packed(b"", encoding, pack(b"seen 3\n"))).value == 3
    assert look(packed(b"", encoding, pack(LARGE))).value == 3


@pytest.mark.parametrize("blanks", [0, *range(262_100, 262_400, 7), 524_400])
def test_what_is_unpacked_in_several_pieces_is_whole_though_all_of_it_has_come(blanks: int) -> None:
    for wbits, encoding in ((-15, b"deflate"), (15, b"deflate"), (31, b"gzip")):
        body = Body(4 << 20)
        body.encoded(encoding)
        body.add(zlib.compress(b"{}" + b" " * blanks, wbits=wbits))
        assert len(body.whole()) == 2 + blanks


def test_the_same_head_over_a_kept_connection_is_unpacked_each_time() -> None:
    taken = Taken()
    bodies = [gzip.compress(b"seen %d\n" % number, mtime=0) for number in range(9)]
    with serving(answering(*(packed(b"", "gzip", body) for body in bodies))) as port:
        running = Sampler([Metric("seen", path=f"http://127.0.0.1:{port}/", name="a")], taken, 0.02, 50)
        running.start()
        taken.wait("a", 9)
        running.stop()
    assert [r.value for r in taken.of("a")][:9] == list(range(9))


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress"])
def test_an_encoding_that_is_not_read_is_ours(encoding: str) -> None:
    reading = look(packed(b"", encoding, b"\x01\x02"))
    assert (reading.kind, encoding in reading.note) == ("unreadable", True)


@pytest.mark.parametrize("body", [b"seen 3\n", gzip.compress(b"seen 3\n" * 99)[:-9]], ids=["plain", "cut"])
def test_what_is_not_packed_as_it_says_is_the_targets(body: bytes) -> None:
    assert look(packed(b"", "gzip", body)).kind == "malformed"


def test_a_bomb_is_not_read_and_memory_stays_small() -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(b" " * 2**20) for _ in range(400)) + packer.flush()
    answer = packed(b"", "gzip", bomb)
    with serving(answering(answer, answer)) as port:
        tracemalloc.start()
        try:
            page = read_once(Metric("seen", path=f"http://127.0.0.1:{port}/"), 20.0)
            field = read_once(HttpJson(f"http://127.0.0.1:{port}/", "a"), 20.0)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert page.kind == field.kind == "unreadable"
    assert f"larger than {http_body.MAX_PAGE_BYTES}" in page.note
    assert peak < 30 * 2**20


@pytest.mark.parametrize(("series", "value"), [("first", 1), ("seen", 3), ("http.open", 4), ("last", 5)])
def test_of_a_page_beyond_the_limit_the_wanted_lines_are_read(series: str, value: float) -> None:
    assert len(LARGE) > 2 * http_body._LINE_BYTES
    assert look(http(LARGE), series).value == value


def test_a_series_that_is_not_on_a_long_page_is_absent() -> None:
    assert look(http(LARGE), "fill").kind == "absent"


def test_more_of_the_wanted_series_than_the_limit_is_unreadable() -> None:
    reading = look(http(LARGE), "filler_total", aggregate="sum")
    assert (reading.kind, "wanted series" in reading.note) == ("unreadable", True)


def test_a_page_of_33_mb_is_read_within_the_usual_limit_again_and_again() -> None:
    page = b"seen 3\n" + FILLER * 6 + b"seen_too 4\n"
    taken = Taken()
    with serving(answering(*[http(page)] * 4)) as port:
        base = f"http://127.0.0.1:{port}/metrics"
        probes = [Metric("seen", path=base, name="a"), Metric("seen_too", path=base, name="b")]
        running = Sampler(probes, taken, 0.2, 5.0, read_timeout_s=20.0)
        running.start()
        readings = [*taken.wait("a", 4, within_s=60), *taken.wait("b", 4, within_s=60)]
        running.stop()
    assert len(page) > 33e6
    assert [r.value for r in readings] == [3.0] * 4 + [4.0] * 4


def test_probes_of_one_long_page_share_one_read_also_those_that_come_later() -> None:
    asked = []

    def handle(conn: socket.socket) -> None:
        for head in requests_of(conn):
            asked.append(head)
            conn.sendall(http(LARGE))

    taken = Taken()
    with serving(handle) as port:
        base = f"http://127.0.0.1:{port}/metrics"
        running = Sampler(
            [Metric("seen", path=base, name="a"), MetricLabel("seen", "a", where=3.0, path=base, name="l")], taken, 0.1
        )
        running.start()
        taken.wait("l", 3, within_s=30)
        running.watch([Metric("last", path=base, name="b")])
        late = taken.wait("b", 4, within_s=30)
        running.stop()
    assert late[-1].value == 5
    assert {r.value for r in taken.of("a")} == {3.0}
    assert {r.value for r in taken.of("l")} == {"x"}
    assert len(asked) <= len(taken.of("a")) + 2  # one more may be under way at the end


def test_fleets_over_the_same_pages_share_their_reads() -> None:
    def fleet(series: str) -> Fleet:
        pages = ("http://127.0.0.1:1/metrics", "http://127.0.0.1:2/metrics")
        return Fleet(tuple(Metric(series, path=page) for page in pages), "sum", series)

    running = Sampler([fleet("a"), fleet("b")], lambda *_: None)
    (member,) = running._members
    assert [inner.series for inner in member._endpoint.members] == [("a", "b"), ("a", "b")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("wbits", [31, 15, -15])
@given(cuts=st.lists(st.integers(0, 60), max_size=9))
def test_a_packed_body_is_unpacked_wherever_the_pieces_are_cut(wbits: int, cuts: list[int]) -> None:
    data = zlib.compress(b"seen 3\n" * 9, wbits=wbits) + (zlib.compress(b"b 1\n", wbits=31) if wbits == 31 else b"")
    body = Body(1000)
    body.encoded(b"gzip" if wbits == 31 else b"deflate")
    edges = [0, *sorted(cuts), len(data) + 60]
    for begin, end in pairwise(edges):
        body.add((data + bytes(60))[begin:end])
    assert body.whole() == b"seen 3\n" * 9 + (b"b 1\n" if wbits == 31 else b"")


@given(st.lists(st.integers(1, 300), max_size=40), st.integers(0, 40))
def test_lines_are_kept_whole_wherever_the_pieces_are_cut(cuts: list[int], limit: int) -> None:
    text = b"".join(b'a{n="%d"} %d\nab %d\nba %d\n' % (n, n, n, n) for n in range(30)) + b"a 99"
    body, place = Body(limit, (b"a",)), 0
    kept = b""
    try:
        for size in [*cuts, len(text)]:
            body.add(text[place : place + size])
            place += size
        kept = body.whole()
    except NoAnswer as failure:
        assert failure.kind == "unreadable" and "wanted series" in failure.note
        return
    wanted = [line for line in text.split(b"\n") if line.startswith((b"a{", b"a "))]
    assert [line for line in kept.split(b"\n") if line.startswith((b"a{", b"a "))] == wanted


@pytest.mark.timeout(30)
@pytest.mark.parametrize("line", [b'{"' * 2_000_000, b'"a"' * 1_400_000, b" a" * 2_000_000, b'{ "a" ' * 700_000])
def test_a_hostile_page_costs_bounded_time(line: bytes) -> None:
    began = time.monotonic()
    body = Body(2**22, (b"a", b'{"'))
    for begin in range(0, len(line), 65536):
        body.add(line[begin : begin + 65536])
    assert len(body.whole()) <= 2**22 + 65536
    assert time.monotonic() - began < 15


def test_no_line_of_a_long_page_is_as_long_as_the_page() -> None:
    body = Body(1000, (b"a",))
    for _ in range(100):
        body.add(b"x" * 100_000)
    body.add(b" y\na 1\n")
    assert body.whole().endswith(b"a 1\n")


def test_a_long_body_that_flows_beyond_the_time_is_unreadable_and_a_short_one_timed_out() -> None:
    def handle(conn: socket.socket) -> None:
        for head in requests_of(conn):
            first = 5_000_000 if b"/long" in head else 5_000
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x 1\n" * (first // 4))
            time.sleep(5)

    with serving(handle) as port:
        base = f"http://127.0.0.1:{port}"
        assert read_once(Metric("seen", path=f"{base}/long"), 3.0).kind == "unreadable"
        assert read_once(Metric("seen", path=f"{base}/short"), 0.5).kind == "timed_out"
