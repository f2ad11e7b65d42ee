"""The times that stages mean are exact, whatever the stages are."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.loads import Burst, OpenLoop, Operation, Retry
from blackstart.loads.stages import (
    Stage,
    check_stages,
    constant,
    due_by,
    duration_s,
    offsets_s,
    peak_per_s,
    planned,
    ramp,
    spike,
)

rates = st.floats(0, 500).map(lambda rate: round(rate, 2))
stages = st.lists(
    st.builds(Stage, rates, st.floats(0.1, 5).map(lambda length: round(length, 2)), st.none() | rates),
    min_size=1,
    max_size=4,
).map(tuple)


def test_a_constant_rate_is_evenly_spaced() -> None:
    assert list(offsets_s(constant(4, 1.5))) == [0, 0.25, 0.5, 0.75, 1.0, 1.25]


def test_a_stage_without_an_end_goes_on() -> None:
    assert list(islice(offsets_s((Stage(1, 2), Stage(10))), 2, 5)) == pytest.approx([2.0, 2.1, 2.2])
    assert planned(constant(10)) is None
    assert duration_s(constant(10)) is None


def test_a_ramp_from_zero_adds_up_to_its_area() -> None:
    times = list(offsets_s(ramp(0, 100, 2)))
    assert len(times) == planned(ramp(0, 100, 2)) == 100
    assert sum(at < 1 for at in times) == 25


def test_a_ramp_to_zero_ends_in_time() -> None:
    times = list(offsets_s(ramp(100, 0, 2)))
    assert len(times) == 100
    assert sum(at < 1 for at in times) == 75
    assert times[-1] < 2


def test_a_spike_is_three_steady_stages() -> None:
    load = spike(10, 500, before_s=1, peak_s=2, after_s=3)
    times = list(offsets_s(load))
    assert [sum(a <= at < b for at in times) for a, b in ((0, 1), (1, 3), (3, 6))] == [10, 1000, 30]
    assert (peak_per_s(load), duration_s(load)) == (500, 6)


def test_a_pause_between_stages_sends_nothing() -> None:
    assert [at for at in offsets_s((Stage(2, 1), Stage(0, 5), Stage(2, 1))) if 1 <= at < 6] == []


@given(stages)
def test_times_rise_and_their_number_is_the_area_of_the_rate(made: tuple[Stage, ...]) -> None:
    times = list(offsets_s(made))
    total_s = sum(stage.duration_s or 0 for stage in made)
    area = sum((stage.rate_per_s + stage.last_rate_per_s) / 2 * (stage.duration_s or 0) for stage in made)
    assert len(times) == planned(made)
    assert abs(len(times) - area) <= 1
    assert all(0 <= at <= total_s + 1e-9 for at in times)
    assert all(later >= earlier for earlier, later in zip(times, times[1:], strict=False))


@given(stages, st.floats(0, 1))
def test_due_by_counts_the_times_before(made: tuple[Stage, ...], part: float) -> None:
    offset_s = part * sum(stage.duration_s or 0 for stage in made)
    counted = sum(at < offset_s for at in offsets_s(made))
    assert abs(due_by(made, offset_s) - counted) <= 1  # a request due at that very moment may fall on either side


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Stage(-1, 1), "rate_per_s must be between 0"),
        (lambda: Stage(1, 0), "duration_s must be above 0"),
        (lambda: Stage(1, None, 5), "needs a duration_s"),
        (lambda: Stage(0), "needs a duration_s"),
        (lambda: check_stages(()), "at least one stage"),
        (lambda: check_stages((Stage(1), Stage(1, 1))), "only the last stage"),
        (lambda: check_stages((Stage(0, 5),)), "send nothing"),
    ],
)
def test_stages_that_make_no_sense_are_refused(make: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make()  # type: ignore[operator]


def test_a_load_says_in_words_what_it_sends() -> None:
    plan = Operation("plan", url="/plans")
    assert OpenLoop((plan,), (*constant(100, 1), *ramp(5, 50, 90)), retry=Retry(3)).says == (
        "100 requests/s for 1 s, then 5 to 50 requests/s for 90 s, what fails is sent up to 4 times"
    )
    assert OpenLoop((plan,), constant(2.5)).says == "2.5 requests/s, each once"
    assert Burst(10, plan, same_key=True).says == "10 requests at once, all of one key"
