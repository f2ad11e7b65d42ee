"""How late a process is: with times that are fed, and with a process that is really stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from blackstart.base.scheduling_lag import SAMPLE_S, STALL_S, TICK_S, LagCounter, LagSample

_STOPPED_S = 1.0
_PROGRAM = """
import dataclasses, json, sys, time
from blackstart.base.scheduling_lag import LagMeter

LagMeter(lambda sample: print(json.dumps(dataclasses.asdict(sample)), flush=True)).start()
time.sleep(60)
"""


def samples(*late_s: float) -> list[LagSample]:
    """The samples of ticks that came late by this much, one after the other."""
    meter, now_s, told = LagCounter(100.0), 100.0, []
    for one_s in late_s:
        due_s = now_s + TICK_S
        now_s = due_s + one_s
        told += meter.woke(due_s, now_s)
    return told


def test_ticks_add_up_to_a_beat_of_a_second() -> None:
    (sample,) = samples(*[0.01] * 17)
    assert (sample.from_s, sample.to_s) == (100.0, pytest.approx(100 + 17 * (TICK_S + 0.01)))
    assert (sample.late_s, sample.worst_s, sample.stalled) == (pytest.approx(0.17), pytest.approx(0.01), False)
    assert sample.to_s - sample.from_s >= SAMPLE_S


def test_a_tick_that_came_too_early_makes_up_for_nothing() -> None:
    (sample,) = samples(*[0.02, -0.02] * 11)
    assert sample.late_s == pytest.approx(0.02 * 10, abs=0.021)


def test_a_stall_is_a_beat_of_its_own_and_ends_the_one_before() -> None:
    before, stall = samples(0.01, 0.01, 3.0)
    assert (before.to_s, before.late_s, before.stalled) == (pytest.approx(stall.from_s), pytest.approx(0.02), False)
    assert (stall.to_s - stall.from_s, stall.late_s, stall.stalled) == (pytest.approx(3.0), pytest.approx(3.0), True)
    assert not any(sample.stalled for sample in samples(*[0.9 * STALL_S] * 4))


def test_two_stalls_in_a_row_overlap_nowhere() -> None:
    _, first, between, second = samples(1.0, 2.0)
    assert (first.to_s, between.to_s) == (between.from_s, pytest.approx(second.from_s))
    assert (first.late_s, between.late_s, second.late_s) == (pytest.approx(1), 0, pytest.approx(2))


def test_a_process_that_is_stopped_tells_for_how_long() -> None:
    """It waited for no processor meanwhile, unlike one that starves."""
    with subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()  # it ticks
        stopped_s = time.monotonic()
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(_STOPPED_S)
        os.kill(process.pid, signal.SIGCONT)
        stopped_s = time.monotonic() - stopped_s
        told = (LagSample(**json.loads(line)) for line in process.stdout)
        stall = next(sample for sample in told if sample.late_s > 0.8 * _STOPPED_S)
        process.kill()
    assert stall.late_s == pytest.approx(stopped_s, abs=0.3)
    assert stall.waited is None or stall.waited < 0.5
