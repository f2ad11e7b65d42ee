from hypothesis import given
from hypothesis import strategies as st

from blackstart.proxy.stage import NEVER, Ending
from tests.unit.proxy.rig import Rig, toxic


@given(st.binary(max_size=5000), st.integers(1, 200), st.integers(0, 199), st.integers(0, 2000))
def test_pieces_have_the_right_sizes_and_nothing_is_lost(payload: bytes, size: int, variation: int, delay: int) -> None:
    variation = min(variation, size - 1)
    rig = Rig(toxic("slicer", average_size=size, size_variation=variation, delay=delay))
    if payload:
        rig.feed(payload)
    rig.end()
    rig.run_until(100)
    assert (rig.data, rig.out[-1], rig.due_at) == (payload, Ending.EOF, NEVER)
    pieces = [len(item) for item in rig.out if isinstance(item, bytes)]
    assert all(size - variation <= piece <= size + variation for piece in pieces[:-1])


def test_pieces_are_delay_apart() -> None:
    rig = Rig(toxic("slicer", average_size=2, delay=1000))
    rig.feed(b"abcdef")
    rig.run_until(1)
    assert (rig.out, rig.times_s) == ([b"ab", b"cd", b"ef"], [0, 0.001, 0.002])


def test_without_a_delay_each_piece_still_has_a_turn_of_its_own() -> None:
    rig = Rig(toxic("slicer", average_size=2))
    rig.feed(b"abcdef")
    assert (rig.out, rig.due_at) == ([b"ab"], 0)
    rig.pipeline.run_due()
    assert rig.out == [b"ab", b"cd"]


def test_a_changed_delay_counts_at_once() -> None:
    rig = Rig(toxic("slicer", average_size=2, delay=60_000_000))
    rig.feed(b"abcdef")
    rig.run_until(1)
    rig.update(rig.toxics[0], delay=2_000_000)
    rig.run_until(4)
    assert (rig.out, rig.times_s) == ([b"ab", b"cd", b"ef"], [0, 2, 4])
