"""A trader that does not show its mode may be LIVE: it is refused unless that is allowed by name."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.model.reading import Answer
from blackstart.model.target import Target
from blackstart.safety.preflight import forbidden_states
from blackstart.suites.trader.link import forbidding
from tests.unit.builders import experiment, reading


def asked(body: bytes, monkeypatch: pytest.MonkeyPatch, *allow: str) -> None:
    """What a trader with this /state is told."""

    def once(probe: object, within_s: float) -> object:
        kind, value, note = probe.pick(Answer("answer", body, 200))  # type: ignore[attr-defined]
        return replace(reading("mode", value, 0.0), kind=kind, note=note)

    monkeypatch.setattr(forbidden_states, "read_once", once)
    monkeypatch.setattr(forbidden_states.guard_rails, "refuse", lambda *_: None)
    made = experiment(refuse_if=forbidding())
    forbidden_states.refuse_unfit(SimpleNamespace(experiment=made, target=Target("shop", allow=allow)))  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [b'{"mode": "PAPER"}', b'{"mode": "SHADOW", "is_paused": false}'])
def test_a_mode_that_is_shown_and_not_live_may_be_touched(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(body, monkeypatch)


@pytest.mark.parametrize(
    ("body", "word", "said"),
    [(b'{"mode": "LIVE"}', "live", "mode is LIVE"), (b'{"is_paused": false}', "not shown", "mode is not shown")],
)
def test_a_live_mode_and_one_that_is_not_shown_are_refused_unless_allowed_by_name(
    body: bytes, word: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match=said) as refused:
        asked(body, monkeypatch)
    assert f'allow = ["{word}"]' in str(refused.value)
    asked(body, monkeypatch, word)


def test_what_forbids_it_can_be_recorded() -> None:
    assert from_data(to_data(forbidding())) == forbidding()
