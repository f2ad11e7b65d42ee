"""Metrics: the fast scan sees what prometheus_client's own parser sees, and says what can't be read."""

import json
import math
import re
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from blackstart.base.codec import from_data, to_data
from blackstart.model.expect import always
from blackstart.model.reading import Answer, Reading
from blackstart.model.target import Target
from blackstart.probes import metrics
from blackstart.probes.http import HttpGet
from blackstart.probes.metrics import Metric, MetricLabel, NotPrometheus, samples_of
from blackstart.verdict.expectation_monitor import Monitor

PAGE = b"""# HELP trader_is_leader 1 while this instance leads; trader_is_leader 7
# TYPE trader_is_leader gauge
trader_is_leader{instance_id="5d0c-9a"} 1.0
trader_is_leader_total 9
x_trader_is_leader 9
# TYPE trader_kill_switch_total counter
trader_kill_switch_total{reason="leader_lock_lost"} 3.0
trader_kill_switch_total{reason="manual"} 1.0
trader_scan_heartbeat_seconds 1.2e-1 1700000000000
"""


def page(text: str | bytes, status: int = 200) -> Answer:
    return Answer("answer", text.encode() if isinstance(text, str) else text, status)


def test_value_is_a_number() -> None:
    assert Metric("trader_is_leader").pick(page(PAGE)) == ("value", 1.0, "")
    assert Metric("trader_scan_heartbeat_seconds").pick(page(PAGE)) == ("value", 0.12, "")


def test_series_that_is_not_there_is_absent_and_never_zero() -> None:
    kind, value, note = Metric("trader_throttle_queue_depth", aggregate="sum").pick(page(PAGE))
    assert (kind, value) == ("absent", None)
    assert "no series trader_throttle_queue_depth" in note
    assert Metric("trader_is_leader", aggregate="count").pick(page(""))[0] == "absent"


def test_labels_that_no_line_has_are_absent() -> None:
    kind, _, note = Metric("trader_kill_switch_total", {"reason": "boredom"}).pick(page(PAGE))
    assert kind == "absent"
    assert 'reason="boredom"' in note


def test_label_chooses_the_line() -> None:
    assert Metric("trader_kill_switch_total", {"reason": "manual"}).pick(page(PAGE)) == ("value", 1.0, "")


def test_several_label_sets_without_an_aggregate_are_unreadable_and_named() -> None:
    kind, value, note = Metric("trader_kill_switch_total").pick(page(PAGE))
    assert (kind, value) == ("unreadable", None)
    assert 'reason="leader_lock_lost"' in note
    assert 'reason="manual"' in note


@pytest.mark.parametrize(("aggregate", "value"), [("sum", 4.0), ("max", 3.0), ("min", 1.0), ("count", 2)])
def test_aggregate_makes_one_number_of_several(aggregate: str, value: float) -> None:
    assert Metric("trader_kill_switch_total", aggregate=aggregate).pick(page(PAGE)) == ("value", value, "")  # type: ignore[arg-type]


def test_same_line_twice_counts_once_and_two_values_are_malformed() -> None:
    assert Metric("a", aggregate="sum").pick(page('a{x="1"} 2\na{x="1"} 2\n')) == ("value", 2.0, "")
    kind, _, note = Metric("a", aggregate="sum").pick(page('a{x="1"} 2\na{x="1"} 3\n'))
    assert kind == "malformed"
    assert "two values" in note


@pytest.mark.parametrize(
    "text", ["+Inf", "Inf", "-Inf", "NaN", "1e3", "-1.5E-3", ".5", "5.", "+7", "0x1.8p1", "-0X.8p-1"]
)
def test_every_form_of_a_number_is_read(text: str) -> None:
    kind, value, _ = Metric("a").pick(page(f"a {text}\n"))
    assert kind == "value"
    assert same(value, float.fromhex(text) if "x" in text.lower() else float(text))  # type: ignore[arg-type]


def test_not_a_number_gives_way_to_numbers_in_an_extreme() -> None:
    assert Metric("a", aggregate="max").pick(page('a{b="1"} NaN\na{b="2"} 2\n')) == ("value", 2.0, "")


def test_escapes_in_label_values_are_undone() -> None:
    line = r'a{x="\"}\\\n, y=\"1\"",z="é"} 4' + "\n"
    assert samples_of(line.encode(), "a") == [({"x": '"}\\\n, y="1"', "z": "é"}, 4.0)]


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>Sign in</body></html>",
        '{"status": "ok"}',
        "OK",
        "a\n",
        "a one\n",
        'a{x="1" 2\n',
        "a{x=1} 2\n",
        'a{x="1"} 2 soon\n',
        "b 1\n<html>\n",
        "a 1_000\n",
        "a 0x\n",
        '{x="a"} 1\n',
    ],
)
def test_text_that_is_not_prometheus_text_is_malformed(text: str) -> None:
    kind, _, note = Metric("a").pick(page(text))
    assert kind == "malformed"
    assert note


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a\x07a_total\x12\x01 \x18\x00",
        "a 1\n".encode("utf-16"),
        b"\xef\xbb\xbfa 1\n",
        "größe = 1\n".encode("latin-1"),
    ],
)
def test_a_page_in_a_format_or_encoding_that_we_do_not_read_is_unreadable(body: bytes) -> None:
    kind, _, note = Metric("b").pick(Answer("answer", body, 200))
    assert (kind, bool(note)) == ("unreadable", True)


@pytest.mark.timeout(20)
def test_page_that_is_all_one_line_or_all_one_series_is_read_in_bounded_time() -> None:
    one_line = b"# " + b"a " * 2_000_000 + b"\n"
    assert Metric("a").pick(page(one_line))[0] == "absent"
    many = b"".join(b'a{x="%d"} 1\n' % number for number in range(300_000))
    kind, _, note = Metric("a", aggregate="sum").pick(page(many))
    assert kind == "unreadable"
    assert "label sets" in note


def test_error_page_is_malformed() -> None:
    assert Metric("trader_is_leader").pick(page(PAGE, 503))[0] == "malformed"


def test_label_of_the_only_series_is_read_while_it_leads() -> None:
    assert MetricLabel("a", "id").pick(page('a{id="x"} 1\n')) == ("value", "x", "")
    assert MetricLabel("a", "id", where=0).pick(page('a{id="x"} 0\n')) == ("value", "x", "")


def test_a_stale_label_set_that_remains_alone_is_not_the_leaders() -> None:
    kind, value, note = MetricLabel("a", "id").pick(page('a{id="old"} 0\n'))
    assert (kind, value) == ("absent", None) and note.startswith("0 of 1 label sets have the value 1")


@pytest.mark.parametrize(("afterwards", "wanted"), [("live", "held"), ("new", "broke")])
@pytest.mark.parametrize("meanwhile", ['a{id="old"} 0\n', 'a{id="live"} 0\n', "b 1\n"])
def test_nobody_who_leads_for_a_while_is_no_restart_and_another_one_afterwards_is(
    meanwhile: str, afterwards: str, wanted: str
) -> None:
    probe = MetricLabel("a", "id", name="instance")
    monitor = Monitor(always(probe.as_before(), name="same_instance"), "always", 0.0, reference="live")
    pages = (f'a{{id="{who}"}} 1\na{{id="old"}} 0\n' for who in ("live", afterwards))
    for number, text in enumerate([next(pages), *[meanwhile] * 3, *[next(pages)] * 2]):
        kind, value, note = probe.pick(page(text))
        monitor.feed(Reading(probe.name, kind, number / 10, number / 10, value, note), 0.1)
    assert monitor.finish(0.55).status == wanted


def test_label_of_the_leading_series_is_read_among_several() -> None:
    text = 'a{id="x"} 0\na{id="y"} 1\n'
    assert MetricLabel("a", "id").pick(page(text)) == ("value", "y", "")
    assert MetricLabel("a", "id").pick(page(text.replace("} 0", "} 1")))[0] == "malformed"


def test_while_none_of_several_leads_the_label_is_absent_and_nobody_is_accused() -> None:
    kind, _, note = MetricLabel("a", "id").pick(page('a{id="x"} 0\na{id="y"} 0\n'))
    assert kind == "absent"
    assert "0 of 2 label sets have the value 1" in note


def test_label_that_is_not_there_is_absent() -> None:
    assert MetricLabel("a", "id").pick(page("a 1\n"))[0] == "absent"
    assert MetricLabel("a", "id").pick(page("b 1\n"))[0] == "absent"


def test_probes_come_back_from_json_equal_and_hashable() -> None:
    target = Target("t", api="http://127.0.0.1:1")
    for probe in (Metric("a", {"y": "2", "x": "1"}, "sum"), MetricLabel("a", "id")):
        bound = probe.bind(target)
        again = from_data(json.loads(json.dumps(to_data(bound))))
        assert again == bound
        assert hash(again) == hash(bound)
    both = Metric("a").bind(target).endpoint().joined(MetricLabel("b", "c").bind(target).endpoint())
    assert both == HttpGet("http://127.0.0.1:1/metrics", series=("a", "b"))


def test_name_that_is_none_and_unknown_aggregate_are_refused() -> None:
    with pytest.raises(ValueError, match="not the name of a series"):
        Metric("a b")
    with pytest.raises(ValueError, match="no aggregate"):
        Metric("a", aggregate="avg")  # type: ignore[arg-type]


NAMES = st.sampled_from(["a", "ab", "a_b", "b:a", "_a", "aa"])
TEXT = st.text('a"\\\n,}{= é#\u2028', max_size=8)
LABELS = st.dictionaries(st.sampled_from(["x", "y", "le"]), TEXT, max_size=3)
VALUES = st.one_of(st.floats(), st.integers(-(10**20), 10**20))
BLANKS = st.sampled_from(["", " ", "\t", "  "])
COMMENTS = st.text('a b:_{}"=1', max_size=20)


def escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


@st.composite
def lines(draw: st.DrawFn) -> str:
    if draw(st.integers(0, 4)) == 0:
        return "# " + draw(COMMENTS)
    gap = draw(BLANKS)
    inner = f",{gap}".join(f'{gap}{name}{gap}={gap}"{escaped(value)}"' for name, value in draw(LABELS).items())
    block = f"{{{inner}}}" if inner else draw(st.sampled_from(["", "{}"]))
    stamp = draw(st.sampled_from(["", " 1700000000000"]))
    return f"{draw(BLANKS)}{draw(NAMES)}{block} {draw(VALUES)!r}{stamp}"


def same(left: float, right: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right))


def differ(values: list[float]) -> bool:
    return any(not same(value, values[0]) for value in values)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(lines(), max_size=8), NAMES)
def test_every_series_is_read_as_the_library_reads_it(page_lines: list[str], series: str) -> None:
    text = "".join(line + "\n" for line in page_lines)
    expected: dict[tuple[tuple[str, str], ...], dict[float, list[float]]] = {}
    for family in text_string_to_metric_families(text.replace("# HELP", "# ").replace("# TYPE", "# ")):
        for sample in family.samples:
            if sample.name == series:
                by_stamp = expected.setdefault(tuple(sorted(sample.labels.items())), {})
                stamp = math.inf if sample.timestamp is None else float(sample.timestamp)
                by_stamp.setdefault(stamp, []).append(float(sample.value))
    every = [values for by_stamp in expected.values() for values in by_stamp.values()]
    newest = {labels: by_stamp[max(by_stamp)] for labels, by_stamp in expected.items()}
    try:
        found = samples_of(text.encode(), series)
    except NotPrometheus as error:
        assert any(differ(values) for values in every), str(error)
        return
    assert not any(map(differ, newest.values()))
    assert {tuple(sorted(labels.items())) for labels, _ in found} == set(expected)
    for labels, value in found:
        assert same(value, newest[tuple(sorted(labels.items()))][0])


STAMPED = ("a 800.1 1719898389938", "a 600 1719898393939", "a 3 1719898397940")


@pytest.mark.parametrize("order", list(permutations(STAMPED)))
def test_of_several_time_stamps_the_newest_sample_is_read(order: tuple[str, ...]) -> None:
    assert Metric("a").pick(page("\n".join(order) + "\n")) == ("value", 3.0, "")


def test_a_sample_without_a_time_stamp_is_of_now() -> None:
    assert Metric("a").pick(page("a 3\na 7 1719898397940\n")) == ("value", 3.0, "")
    kind, _, note = Metric("a").pick(page("a 3 17\na 7 17\n"))
    assert (kind, "two values" in note) == ("malformed", True)


UTF8 = """# HELP "http.server.open" Requests under way
{"http.server.open","service.name"="shop",zone="a"} 3
{ "http.server.open" , "service.name"="till"} 4 1719898397940
seen{"service.name"="http.server.open"} 5
{"seen", zone="b"} 6
{"größe","a \\"b\\"\\\\"="x\\ny"} 7
"""


@pytest.mark.parametrize(
    ("series", "labels", "value"),
    [
        ("http.server.open", {"service.name": "shop"}, 3.0),
        ("http.server.open", {"service.name": "till"}, 4.0),
        ("seen", {"service.name": "http.server.open"}, 5.0),
        ("seen", {"zone": "b"}, 6.0),
        ("größe", {'a "b"\\': "x\ny"}, 7.0),
    ],
)
def test_names_in_quotes_are_read(series: str, labels: dict[str, str], value: float) -> None:
    assert Metric(series, labels).pick(page(UTF8)) == ("value", value, "")


def test_a_name_in_quotes_that_is_a_labels_is_not_a_series() -> None:
    assert Metric("service.name").pick(page(UTF8))[0] == "absent"
    assert Metric("zone").pick(page('{"zone"="a","x"} 1\n'))[0] == "absent"


@given(st.binary(max_size=60))
def test_no_page_makes_a_pick_raise(body: bytes) -> None:
    for probe in (Metric("a"), MetricLabel("a", "b")):
        assert probe.pick(page(b"a" + body))[0] in ("value", "absent", "malformed", "unreadable")
        assert probe.pick(page(body))[0] in ("value", "absent", "malformed", "unreadable")


def test_no_pattern_has_a_possessive_group() -> None:
    """Python 3.11 of Debian 12 goes on behind one that fails halfway, and so takes for a sample what is none."""
    sources = [path for path in Path(metrics.__file__).parents[1].rglob("*.py") if "re.compile" in path.read_text()]
    assert sources and not [path for path in sources if re.search(r"\)[?*+]\+", path.read_text())]
