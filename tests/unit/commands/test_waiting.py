"""`chaos.wait` asks each kind of system at the page where that says that it can be drilled."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from blackstart.commands import waiting
from tests.answering_api import answering

PAGES = {
    "trader": "/ready", "checkout": "/ready", "gateway": "/actuator/health", "flash-sale": "/health",
    "shop": "/health/ready",
}  # fmt: skip


def ready_at(page: str) -> AbstractContextManager[str]:
    """The API of a system that answers 200 there alone."""
    return answering(lambda path: 200 if path == page else 503)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("API", "TARGET", "REDIS_URL", "DATABASE_URL", "REDIS_CONTAINER", "POSTGRES_CONTAINER"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("kind", PAGES)
def test_a_system_is_ready_where_its_kind_says_so(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("targets").mkdir()
    with ready_at(PAGES[kind]) as api:
        Path("targets/mine.toml").write_text(f'name = "mine"\nkind = "{kind}"\napi = "{api}"\n')
        assert waiting.wait({"noninteractive": True, "wait_ready_timeout": "5"}) == 0
    assert capsys.readouterr().out == f"ready: {api}{PAGES[kind]} answers 200\n"


@pytest.mark.parametrize("said", [None, ""], ids=["not set", "empty"])
def test_what_the_file_takes_from_the_environment_is_missed_before_the_drills(
    said: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A secret that a CI server does not have is "" there."""
    if said is not None:
        monkeypatch.setenv("DATABASE_URL", said)
    monkeypatch.setenv("OPS_KEY", "k3y")
    Path("targets").mkdir()
    with ready_at("/ready") as api:
        Path("targets/mine.toml").write_text(
            f'name = "mine"\nkind = "trader"\napi = "{api}"\nheaders = {{ X-Ops-Key = "env:OPS_KEY" }}\n'
            '[services.postgres]\ndsn = "env:DATABASE_URL"\n'
        )
        assert waiting.wait({"noninteractive": True, "wait_ready_timeout": "5"}) == 40
        told = " ".join(capsys.readouterr().err.split())
        assert (
            "Not started: the environment variable DATABASE_URL is empty or not set" in told and "OPS_KEY" not in told
        )
        monkeypatch.setenv("DATABASE_URL", "postgresql://app@127.0.0.1/book")
        assert waiting.wait({"noninteractive": True, "wait_ready_timeout": "5"}) == 0


def test_without_a_target_file_the_flags_say_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with ready_at("/ready") as api:
        assert waiting.wait({"noninteractive": True, "api": api, "wait_ready_timeout": "5"}) == 0
    assert waiting.wait({"noninteractive": True, "api": api, "wait_ready_timeout": "0.1"}) == 40
    assert f"Not started: {api}/ready did not answer 200 within 100 ms: " in capsys.readouterr().err
