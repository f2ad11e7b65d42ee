"""Pauses grow, then stay, each with its own jitter."""

from blackstart_lab.trader.backoff import Backoff


def test_pauses_follow_the_list_and_the_last_repeats() -> None:
    backoff = Backoff((1, 2, 4), jitter_s=0.5, chance=lambda: 0.0)
    assert [backoff.next_s() for _ in range(5)] == [1, 2, 4, 4, 4]


def test_jitter_is_added_up_to_its_limit() -> None:
    backoff = Backoff((1,), jitter_s=0.5, chance=lambda: 0.99)
    assert backoff.next_s() == 1.495


def test_reset_begins_again() -> None:
    backoff = Backoff((1, 2, 4), jitter_s=0.0)
    backoff.next_s()
    backoff.next_s()
    backoff.reset()
    assert backoff.next_s() == 1
