from hypothesis import given
from hypothesis import strategies as st

from blackstart.proxy.stage import NEVER, Ending, HangUp
from blackstart.proxy.toxic import read_toxic
from tests.unit.proxy.rig import Rig, toxic


def test_without_stages_everything_passes_at_once() -> None:
    rig = Rig()
    rig.feed(b"a")
    rig.end()
    assert rig.out == [b"a", Ending.EOF]


def test_toxics_work_in_the_order_in_which_they_were_added() -> None:
    rig = Rig(toxic("limit_data", bytes=4), toxic("latency", latency=100))
    rig.feed(b"abcdef")
    rig.run_until(1)
    assert (rig.out, rig.times_s) == ([b"abcd", Ending.CLOSE], [0.1, 0.1])
    rig = Rig(toxic("latency", latency=100), toxic("limit_data", bytes=4))
    rig.feed(b"abcdef")
    assert rig.out == []
    rig.run_until(1)
    assert rig.out == [b"abcd", Ending.CLOSE]


def test_removing_the_first_of_two_hands_its_data_to_the_second() -> None:
    rig = Rig(toxic("latency", latency=1000), toxic("slicer", average_size=1))
    rig.feed(b"abc")
    rig.remove(rig.toxics[0])
    rig.run_until(0)
    assert rig.out == [b"a", b"b", b"c"]


def test_a_toxic_put_before_another_keeps_what_the_other_holds() -> None:
    rig = Rig(toxic("latency", latency=100))
    rig.feed(b"old")
    rig.toxics.insert(0, read_toxic(toxic("timeout")))
    rig.rebuild()
    rig.feed(b"new")
    rig.run_until(1)
    assert (rig.data, rig.pipeline.dropped_bytes) == (b"old", 3)


def test_nothing_is_delivered_after_a_hang_up() -> None:
    rig = Rig(toxic("latency", latency=100), toxic("timeout", timeout=50))
    rig.feed(b"abc")
    rig.run_until(1)
    rig.feed(b"def")
    rig.end()
    assert (rig.out, rig.hung_up, rig.due_at) == ([], HangUp.CUT, NEVER)


TOXICS = st.sampled_from(
    [
        toxic("noop"),
        toxic("latency", latency=50, jitter=40),
        toxic("latency", latency=5, jitter=9, distribution="exponential"),
        toxic("bandwidth", rate=20),
        toxic("bandwidth", rate=0),
        toxic("slicer", average_size=7, size_variation=3, delay=10),
        toxic("slow_close", delay=30),
    ]
)
ACTS = st.lists(st.one_of(st.binary(min_size=1, max_size=400), TOXICS, st.integers(0, 9)), max_size=30)


@given(ACTS)
def test_whatever_changes_while_data_flows_every_byte_arrives_once_and_in_order(acts: list[object]) -> None:
    rig, sent = Rig(), b""
    for number, act in enumerate(acts):
        if isinstance(act, bytes):
            rig.feed(act)
            sent += act
        elif isinstance(act, dict):
            rig.add(read_toxic({**act, "name": str(number)}))
        elif isinstance(act, int) and rig.toxics:
            rig.remove(rig.toxics[act % len(rig.toxics)])
        rig.run_until(rig.now_s + 0.011)
        assert rig.data == sent[: len(rig.data)]
        assert len(rig.data) + rig.pipeline.held_bytes == len(sent)
    rig.end()
    while rig.toxics:
        rig.remove(rig.toxics[0])
    assert (rig.data, rig.out[-1], rig.pipeline.held_bytes) == (sent, Ending.EOF, 0)
