"""Trends: what is worse is found, what is not is let be, and too little is never green."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from blackstart.base.errors import Damaged, Refused
from blackstart.reports import baseline, trend
from blackstart.reports.story import RunView
from blackstart.reports.trend import Run
from tests.unit.reports.drills import Drill, judged, told

BACK = "recovery/leader_1_again"


def run(number: int, time_s: float, verdict: str = "held", key: str = "leader-lock on trader") -> Run:
    return Run(f"run-{number}", key, f"2026-11-{number % 28 + 1:02d}", verdict, {BACK: time_s})


def several(*times_s: float, first: int = 0) -> list[Run]:
    return [run(first + number, time_s) for number, time_s in enumerate(times_s)]


STEADY = (1.40, 1.42, 1.45, 1.47, 1.50, 1.52, 1.55, 1.58)


@pytest.mark.parametrize(
    ("n", "low", "high"), [(5, None, None), (6, 1, 6), (8, 1, 8), (9, 2, 8), (12, 3, 10), (20, 6, 15), (50, 18, 33)]
)
def test_the_interval_is_the_tabled_one_of_the_order_statistics(n: int, low: int | None, high: int | None) -> None:
    found = trend.interval([float(place) for place in range(1, n + 1)])
    assert found == (None if low is None else (low, high))


def test_the_interval_holds_the_true_median_at_least_95_times_in_100() -> None:
    chance = random.Random(7)
    hits = 0
    for _ in range(2000):
        low, high = trend.interval([chance.expovariate(1.0) for _ in range(11)]) or (0.0, 0.0)
        hits += low <= math.log(2) <= high
    assert hits >= 1900


def test_a_run_of_the_record_gives_its_times_from_the_proved_effect(stories: dict[str, RunView]) -> None:
    made = trend.run_of(stories["held"])
    assert made.verdict == "held"
    assert made.times_s["fault/ready_503"] == pytest.approx(1.173, abs=0.01)
    assert made.times_s[BACK] == pytest.approx(1.473, abs=0.01)


def test_a_transition_that_broke_instead_of_coming_took_for_ever(stories: dict[str, RunView]) -> None:
    assert trend.run_of(stories["broke"]).times_s[BACK] == math.inf


def test_what_an_inconclusive_run_did_not_see_is_no_time_at_all(stories: dict[str, RunView]) -> None:
    assert BACK not in trend.run_of(stories["killed"]).times_s


def test_failed_runs_make_a_median_worse_and_never_better() -> None:
    runs = [*several(1.0, 1.0, 1.0), *(run(10 + n, math.inf, "broke") for n in range(4))]
    (line,) = trend.lines(runs)
    assert (line.n, line.median_s, trend.shown(line.median_s)) == (7, math.inf, "never")


def test_inconclusive_and_refused_runs_are_not_counted_as_times() -> None:
    runs = [*several(1.0, 2.0), run(8, 99.0, "inconclusive"), run(9, 99.0, "refused")]
    (line,) = trend.lines(runs)
    assert (line.n, line.median_s, line.low_s) == (2, 1.5, None)


def test_other_faults_flags_mutants_and_promises_are_not_compared(tmp_path: Path) -> None:
    def key(number: int, **more: object) -> str:
        path = told(Drill(run=f"r{number}", end_s=5.7, **more), tmp_path)  # type: ignore[arg-type]
        return trend.key_of(RunView(*judged(path), path))

    plain = key(0)
    assert key(1, flags={"noninteractive": True, "reports": "/x"}) == plain
    others = [key(2, target={"mutant": "never-resumes"}), key(3, target={"facts": {"lock_ttl_s": 30}}),
              key(4, target={"name": "prod"}), key(5, flags={"plan_count": 5000})]  # fmt: skip
    assert len({plain, *others}) == 5


def gate(before: list[Run], after: list[Run]) -> trend.Gate:
    return trend.gate([*before, *after], baseline.of(before))


def test_the_same_times_pass() -> None:
    assert gate(several(*STEADY), several(*STEADY, first=20)).verdict == "held"


def test_a_median_that_is_clearly_worse_breaks_with_both_intervals_named() -> None:
    found = gate(several(*STEADY), several(*(t + 0.3 for t in STEADY), first=20))
    assert found.verdict == "broke"
    assert found.reasons == (
        f"{BACK}: median 1.785 s [1.700 s, 1.880 s], and 1.485 s [1.400 s, 1.580 s] in the baseline",
    )


def test_a_better_median_passes() -> None:
    assert gate(several(*STEADY), several(*(t / 2 for t in STEADY), first=20)).verdict == "held"


def test_a_difference_inside_of_the_noise_passes() -> None:
    assert gate(several(*STEADY), several(*(t + 0.05 for t in STEADY), first=20)).verdict == "held"


def test_a_clear_difference_that_is_too_small_to_matter_passes() -> None:
    tight = [0.1000 + n / 1e5 for n in range(8)]
    assert gate(several(*tight), several(*(t + 0.004 for t in tight), first=20)).verdict == "held"


def test_too_few_runs_since_the_baseline_are_inconclusive() -> None:
    found = gate(several(*STEADY), several(1.4, 1.4, first=20))
    assert (found.verdict, found.reasons) == ("inconclusive", (f"{BACK}: 2 of at least 6 runs since the baseline",))


def test_the_baselines_own_runs_do_not_count_as_new_ones() -> None:
    assert gate(several(*STEADY), []).verdict == "inconclusive"


def test_a_transition_that_is_not_seen_any_more_is_inconclusive() -> None:
    others = [Run(f"x{n}", "k", "", "held", {"recovery/other": 1.0}) for n in range(8)]
    assert gate(several(*STEADY), others).verdict == "inconclusive"


def test_a_run_that_broke_since_the_baseline_breaks_the_gate_whatever_the_medians() -> None:
    after = [*several(*STEADY, first=20), run(40, math.inf, "broke")]
    found = gate(several(*STEADY), after)
    assert found.verdict == "broke" and found.reasons[0].startswith("run-40 broke")


def test_a_gate_rarely_complains_of_runs_of_the_same_kind() -> None:
    chance = random.Random(11)
    complaints = 0
    for _ in range(300):
        drawn = [chance.lognormvariate(0.0, 0.3) for _ in range(20)]
        complaints += gate(several(*drawn[:10]), several(*drawn[10:], first=20)).verdict == "broke"
    assert complaints <= 6


def test_a_baseline_needs_six_runs_that_held() -> None:
    with pytest.raises(Refused, match="needs at least 6 runs that held, and there are 5"):
        baseline.of([*several(*STEADY[:5]), run(9, 1.0, "broke"), run(10, 1.0, "inconclusive")])


def test_a_baseline_can_be_saved_and_read_again(tmp_path: Path) -> None:
    made = baseline.of(several(*STEADY))
    baseline.save(tmp_path / "deep" / "baseline.json", made)
    assert baseline.read(tmp_path / "deep" / "baseline.json") == made


HEAD = '{"schemaVersion":"blackstart.baseline/1"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        HEAD + "}",
        "NaN",
        HEAD + ',"runs":[],"experiment":"x","transitions":{"a":{"median_s":NaN}}}',
    ],
)
def test_a_baseline_that_is_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text, encoding="utf-8")
    with pytest.raises(Damaged, match=r"b\.json is not a baseline"):
        baseline.read(tmp_path / "b.json")
    with pytest.raises(Damaged, match="Make one with --save-baseline"):
        baseline.read(tmp_path / "missing.json")
